use std::time::Duration;

use problem::{Describe, FieldError, Kind};
use sealing::SealError;
use service_kit::db;

use crate::{attempt::AttemptError, password::PasswordError, rights::RightsError, token::IssueError};

/// What can go wrong with a session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The same for an unknown address and a wrong password.
    #[error("the address or the password is wrong")]
    WrongCredentials,
    #[error("verify your e-mail address first, then log in")]
    Unverified,
    /// The last login is too long ago for something that cannot be undone.
    #[error("this needs a fresh proof: log in again or step up, then repeat it within 15 minutes")]
    StaleLogin,
    #[error("the refresh token is not one of ours")]
    NotARefreshToken,
    #[error("the session has ended; log in again")]
    Over,
    /// Reuse: the session was ended because of it.
    #[error("this refresh token was used before, so its session was ended; log in again")]
    Reused,
    #[error("there is no such session")]
    Unknown,
    /// Not there, or not the caller's: nobody is told which.
    #[error("there is no such organisation")]
    UnknownOrganization,
    #[error("the request has {} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Refused(#[from] identity::Refusal),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    #[error("a token could not be made")]
    Issue(#[from] IssueError),
    #[error("a refresh token could not be made")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for SessionError {
    fn kind(&self) -> Kind {
        match self {
            Self::WrongCredentials | Self::NotARefreshToken | Self::Over | Self::Reused => {
                Kind::Unauthenticated
            }
            Self::Unverified | Self::StaleLogin => Kind::Forbidden,
            Self::Unknown | Self::UnknownOrganization => Kind::NotFound,
            Self::Invalid(_) => Kind::Invalid,
            Self::Rights(error) => error.kind(),
            Self::Refused(error) => error.kind(),
            Self::Password(error) => error.kind(),
            Self::Attempt(error) => error.kind(),
            Self::Issue(error) => error.kind(),
            Self::Seal(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong_credentials",
            Self::Unverified => "email_unverified",
            Self::StaleLogin => "fresh_login_required",
            Self::NotARefreshToken => "refresh_token_invalid",
            Self::Over => "session_ended",
            Self::Reused => "refresh_token_reused",
            Self::Unknown => "session_not_found",
            Self::UnknownOrganization => "organization_not_found",
            Self::Invalid(_) => "invalid_fields",
            Self::Rights(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Password(error) => error.code(),
            Self::Attempt(error) => error.code(),
            Self::Issue(error) => error.code(),
            Self::Seal(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            _ => Vec::new(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Password(error) => error.retry_after(),
            Self::Attempt(error) => error.retry_after(),
            Self::Issue(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
