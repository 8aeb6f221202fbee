use std::time::Duration;

use problem::{Describe, Kind};

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// More logins at once than can be hashed in good time.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The library failed, or what is stored is no hash.
    #[error("a password could not be hashed: {0}")]
    Failed(String),
}

impl Describe for PasswordError {
    fn kind(&self) -> Kind {
        match self {
            Self::Busy => Kind::Unavailable,
            Self::Failed(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy => "logins_overloaded",
            Self::Failed(_) => "internal",
        }
    }

    /// A full queue drains in about two seconds.
    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Busy).then_some(Duration::from_secs(2))
    }
}
