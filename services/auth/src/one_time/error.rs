use problem::{Describe, Kind};
use sealing::SealError;
use service_kit::db;

/// What can go wrong with a one-time token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OneTimeError {
    /// Not ours, for something else, used, or too old: nobody is told which.
    #[error("this token does not work, or not any more: ask for a new one")]
    Invalid,
    #[error("a token could not be made or read")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for OneTimeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid => Kind::Unauthenticated,
            Self::Seal(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid => "one_time_token_invalid",
            Self::Seal(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
