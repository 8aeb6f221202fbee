use std::time::Duration;

use jobs::EnqueueError;
use problem::{Describe, Kind};
use sealing::SealError;
use service_kit::db;

/// Why somebody may not try now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    /// Too many failures: the same for who has an account and who has none.
    #[error("too many attempts: wait, or set a new password by mail")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// Too many at once for one account: they take turns.
    #[error("too many attempts at once")]
    Busy,
    #[error("there is no such user")]
    Unknown,
    #[error("a counter could not be named")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Rights(#[from] crate::rights::RightsError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for AttemptError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooMany { .. } => Kind::TooManyRequests,
            Self::Busy => Kind::Unavailable,
            Self::Unknown => Kind::NotFound,
            Self::Seal(_) => Kind::Internal,
            Self::Enqueue(error) => error.kind(),
            Self::Rights(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "too_many_attempts",
            Self::Busy => "logins_overloaded",
            Self::Unknown => "user_not_found",
            Self::Seal(_) => "internal",
            Self::Enqueue(error) => error.code(),
            Self::Rights(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { wait } => Some(*wait),
            Self::Busy => Some(Duration::from_secs(2)),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
