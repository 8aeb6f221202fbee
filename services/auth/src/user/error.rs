use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::organization::OrganizationError;

use crate::rights::RightsError;

/// What can go wrong with a user who is administered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("there is no such user")]
    Unknown,
    /// Who administers could lock everybody out, themselves first.
    #[error("nobody bans themselves or gives up being an administrator: ask another one")]
    Oneself,
    /// Then nobody could make another one.
    #[error("nobody else administers: make somebody an administrator first")]
    LastAdministrator,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for UserError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::NotFound,
            Self::Oneself => Kind::Forbidden,
            Self::LastAdministrator => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::Rights(error) => error.kind(),
            Self::Organization(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "user_not_found",
            Self::Oneself => "own_account",
            Self::LastAdministrator => "last_administrator",
            Self::Invalid(_) => "invalid_fields",
            Self::Rights(error) => error.code(),
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
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
