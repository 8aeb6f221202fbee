use problem::{Describe, FieldError, Kind};
use service_kit::db;

use crate::{rights::RightsError, token::IssueError, user::UserError};

/// Why nobody acts in a user's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImpersonationError {
    #[error("nobody impersonates themselves")]
    Oneself,
    /// An administrator would act as another one, or gain what they lack.
    #[error("who administers is never impersonated")]
    Administrator,
    #[error("the user is banned")]
    Banned,
    #[error("this token impersonates nobody")]
    None,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error("a token could not be made")]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for ImpersonationError {
    fn kind(&self) -> Kind {
        match self {
            Self::Oneself | Self::Administrator | Self::None => Kind::Forbidden,
            Self::Banned => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::User(error) => error.kind(),
            Self::Rights(error) => error.kind(),
            Self::Issue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Oneself => "own_account",
            Self::Administrator => "user_administers",
            Self::Banned => "user_banned",
            Self::None => "not_impersonating",
            Self::Invalid(_) => "invalid_fields",
            Self::User(error) => error.code(),
            Self::Rights(error) => error.code(),
            Self::Issue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::User(error) => error.fields(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Issue(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
