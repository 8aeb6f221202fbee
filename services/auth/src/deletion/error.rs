use jobs::EnqueueError;
use problem::{Describe, Kind};
use service_kit::db;

use crate::{organization::OrganizationError, rights::RightsError, session::SessionError, user::UserError};

/// Why an account does not go, or does not stay.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeletionError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    #[error("the deletion could not be scheduled")]
    Job(#[from] EnqueueError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl DeletionError {
    /// What the cause says of itself.
    fn cause(&self) -> &dyn Describe {
        match self {
            Self::Session(error) => error,
            Self::Rights(error) => error,
            Self::User(error) => error,
            Self::Organization(error) => error,
            Self::Job(error) => error,
            Self::Db(error) => error,
        }
    }
}

impl Describe for DeletionError {
    fn kind(&self) -> Kind {
        self.cause().kind()
    }

    fn code(&self) -> &'static str {
        self.cause().code()
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        self.cause().retry_after()
    }
}
