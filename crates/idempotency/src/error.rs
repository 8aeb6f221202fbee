use std::time::Duration;

use problem::{Describe, Kind};
use sealing::SealError;
use service_kit::db;

/// Why a request with a key is not done, or not told again.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// Not a key, or several.
    #[error("`Idempotency-Key` must be given once, with 1 to 255 visible ASCII characters, no quotes inside")]
    Malformed,
    /// The first request with the key runs still.
    #[error("a request with this `Idempotency-Key` is under way; send it again to get its reply")]
    InFlight,
    /// The key was used for another request.
    #[error("this `Idempotency-Key` was used for another body or query; take a new key for a new act")]
    Reused,
    /// It acted, but its reply was not kept.
    #[error("this request was done before, but its reply is not at hand any more: read what came of it")]
    ReplyLost,
    /// It acted, but its reply cannot be opened: the key that sealed it is gone.
    #[error("this request was done before, but its reply is not at hand any more: read what came of it")]
    Unreadable(#[source] SealError),
    /// The service has no keyring among its data.
    #[error("there is no keyring to seal replies with")]
    NoKeyring,
    /// The reply cannot be sealed.
    #[error("the reply cannot be sealed")]
    Seal(#[from] SealError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for IdempotencyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Malformed => Kind::Malformed,
            Self::InFlight | Self::ReplyLost | Self::Unreadable(_) => Kind::Conflict,
            Self::Reused => Kind::Invalid,
            Self::NoKeyring | Self::Seal(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "idempotency_key_malformed",
            Self::InFlight => "idempotency_in_flight",
            Self::Reused => "idempotency_key_reused",
            Self::ReplyLost | Self::Unreadable(_) => "idempotency_reply_lost",
            Self::NoKeyring | Self::Seal(_) => "internal",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::InFlight => Some(Duration::from_secs(1)),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
