use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::{
    organization::OrganizationError, password::PasswordError, rights::RightsError, session::SessionError,
    user::UserError,
};

/// What can go wrong with an account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for AccountError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::Session(error) => error.kind(),
            Self::Rights(error) => error.kind(),
            Self::Password(error) => error.kind(),
            Self::User(error) => error.kind(),
            Self::Organization(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_fields",
            Self::Session(error) => error.code(),
            Self::Rights(error) => error.code(),
            Self::Password(error) => error.code(),
            Self::User(error) => error.code(),
            Self::Organization(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Password(error) => error.retry_after(),
            Self::User(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
