//! How jobs look to those outside: to their owners, who are told no inner failures, and
//! to administrators.

use contract_jobs::{Job, JobCount, JobDetails, JobState};

use crate::{Count, Stored};

/// A [`Stored::state`] is one of these, as the tables' constraints say.
fn state(name: &str) -> JobState {
    name.parse().unwrap_or(JobState::Ready)
}

/// What owners are told of a failure.
fn error(state: JobState, has_failed: bool) -> Option<&'static str> {
    match state {
        JobState::Discarded => Some("It failed, and is not tried again."),
        JobState::Ready | JobState::Scheduled | JobState::Parked if has_failed => {
            Some("Its last attempt failed; it will be tried again.")
        }
        _ => None,
    }
}

impl From<&Stored> for Job {
    fn from(stored: &Stored) -> Self {
        let state = state(&stored.state);
        Self {
            id: stored.id,
            kind: stored.kind.clone(),
            state,
            cancel_requested: stored.cancelling,
            progress: stored.progress.clone().and_then(|progress| serde_json::from_value(progress).ok()),
            attempt: u32::try_from(stored.attempt).unwrap_or_default(),
            error: error(state, stored.last_error.is_some()).map(str::to_owned),
            created_at: stored.created_at,
            started_at: stored.started_at,
            finished_at: stored.finished_at,
        }
    }
}

impl From<Stored> for JobDetails {
    fn from(stored: Stored) -> Self {
        Self {
            job: Job::from(&stored),
            org_id: stored.org_id,
            user_id: stored.user_id,
            payload: stored.payload,
            max_attempts: u32::try_from(stored.max_attempts).unwrap_or_default(),
            lane: stored.lane,
            checkpoint: stored.checkpoint,
            last_error: stored.last_error,
            worker: stored.worker,
            run_at: stored.run_at,
        }
    }
}

impl From<Count> for JobCount {
    fn from(count: Count) -> Self {
        let Count { kind, state: name, count, oldest_seconds } = count;
        Self { kind, state: state(&name), count, oldest_seconds }
    }
}
