use std::time::Duration;

use jobs::EnqueueError;
use problem::{Describe, Kind};
use sealing::SealError;
use service_kit::db;

use super::rules;
use crate::{rights::RightsError, session::SessionError};

/// What can go wrong with an export.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    #[error("there is no such export, or not any more")]
    Unknown,
    #[error("no export is ready: POST /api/v1/auth/me/exports asks for one")]
    NoneReady,
    #[error("the export is not ready yet: it is being gathered")]
    NotReady,
    #[error("the export could not be gathered: ask for another one")]
    NotGathered,
    #[error("the export that was given up is still being ended")]
    Ending,
    #[error("{} exports a day are the most: come back later, or download one that there is", rules::A_DAY)]
    TooMany(Duration),
    #[error("the export cannot be sealed or opened")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for ExportError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown | Self::NoneReady => Kind::NotFound,
            Self::NotReady | Self::NotGathered | Self::Ending => Kind::Conflict,
            Self::TooMany(_) => Kind::TooManyRequests,
            Self::Seal(_) => Kind::Internal,
            Self::Session(error) => error.kind(),
            Self::Rights(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown | Self::NoneReady => "export_not_found",
            Self::NotReady => "export_not_ready",
            Self::NotGathered => "export_failed",
            Self::Ending => "export_ending",
            Self::TooMany(_) => "too_many_exports",
            Self::Seal(_) => "internal",
            Self::Session(error) => error.code(),
            Self::Rights(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotReady => Some(Duration::from_secs(5)),
            Self::Ending => Some(Duration::from_secs(1)),
            Self::TooMany(wait) => Some(*wait),
            Self::Enqueue(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
