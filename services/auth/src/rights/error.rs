use identity::Refusal;
use problem::{Describe, Kind};
use service_kit::db;

/// Why a credential opens nothing any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsError {
    /// Its session, key or user is gone.
    #[error("the session or key behind this credential has ended; log in again")]
    Ended,
    /// The user is banned.
    #[error("this account is suspended")]
    Banned,
    /// Its deletion waits.
    #[error("this account is about to be deleted: restore it first")]
    Leaving,
    /// What the user may do has changed since the token was made.
    #[error(transparent)]
    Outdated(Refusal),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for RightsError {
    fn kind(&self) -> Kind {
        match self {
            Self::Ended | Self::Banned => Kind::Unauthenticated,
            Self::Leaving => Kind::Conflict,
            Self::Outdated(refusal) => refusal.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Ended => "credential_ended",
            Self::Banned => "account_suspended",
            Self::Leaving => "deletion_scheduled",
            Self::Outdated(refusal) => refusal.code(),
            Self::Db(error) => error.code(),
        }
    }
}
