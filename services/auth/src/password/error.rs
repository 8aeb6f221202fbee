use std::time::Duration;

use problem::{Describe, Kind};

use crate::attempt::AttemptError;

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// More logins at once than can be hashed in good time.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The library failed, or what is stored is no hash.
    #[error("a password could not be hashed: {0}")]
    Failed(String),
    #[error(transparent)]
    Attempt(#[from] AttemptError),
}

impl Describe for PasswordError {
    fn kind(&self) -> Kind {
        match self {
            Self::Busy => Kind::Unavailable,
            Self::Failed(_) => Kind::Internal,
            Self::Attempt(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy => "logins_overloaded",
            Self::Failed(_) => "internal",
            Self::Attempt(error) => error.code(),
        }
    }

    /// A full queue drains in about two seconds.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(2)),
            Self::Failed(_) => None,
            Self::Attempt(error) => error.retry_after(),
        }
    }
}
