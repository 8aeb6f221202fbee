use std::time::Duration;

use contract_jobs::JobState;
use ids::JobId;
use problem::{Describe, Kind};
use service_kit::db;

/// What can go wrong with a job that somebody asks about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("there is no job {0}")]
    Unknown(JobId),
    #[error("the job is over already: it is {0}")]
    Over(JobState),
    #[error("only what is discarded, cancelled or waits for its next attempt can be retried: the job is {0}")]
    NotRetryable(JobState),
    #[error("another job of its kind with its unique key waits or runs; wait for that one, or cancel it")]
    UniqueTaken,
    #[error("`kind` is made of letters, digits, `.`, `_` and `-`")]
    BadKind,
    #[error("`Last-Event-ID` is no id of an event: those are whole numbers")]
    BadLastEvent,
    #[error("too many watch jobs here just now; come back later, or read the job now and then")]
    TooManyWatchers,
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Describe for JobError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::Over(_) | Self::NotRetryable(_) | Self::UniqueTaken => Kind::Conflict,
            Self::BadKind | Self::BadLastEvent => Kind::Malformed,
            Self::TooManyWatchers => Kind::Unavailable,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "job_not_found",
            Self::Over(_) => "job_over",
            Self::NotRetryable(_) => "job_not_retryable",
            Self::UniqueTaken => "job_unique_taken",
            Self::BadKind => "job_kind_malformed",
            Self::BadLastEvent => "last_event_id_malformed",
            Self::TooManyWatchers => "too_many_watchers",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyWatchers => Some(Duration::from_secs(5)),
            Self::Db(error) => error.retry_after(),
            _ => None,
        }
    }
}
