use std::{fmt, str::FromStr};

use ids::{JobId, OrgId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A piece of background work, as the members of its organisation see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What kind of work it is.
    #[schema(example = "prefs.export")]
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// Somebody asked it to end; while it runs, that may take some seconds.
    pub cancel_requested: bool,
    /// How far it is, once it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How often it was begun.
    #[schema(minimum = 0, example = 1)]
    pub attempt: u32,
    /// What went wrong, in a sentence, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Its last attempt failed; it will be tried again.")]
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its last attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for a worker.
    Ready,
    /// It waits for its time: a later one that was asked for, or its next attempt.
    Scheduled,
    /// It waits for others that it must not run beside.
    Parked,
    /// A worker has it.
    Running,
    /// It did its work.
    Succeeded,
    /// It failed and is not tried again by itself: a dead letter.
    Discarded,
    /// Somebody no longer wanted it.
    Cancelled,
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = JobProgress)]
pub struct Progress {
    /// How much is done.
    #[schema(example = 40)]
    pub done: u64,
    /// How much there is, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 100)]
    pub total: Option<u64>,
    /// What is going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "reading members")]
    pub note: Option<String>,
}

/// A job as administrators see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobDetails {
    /// What its owners see.
    #[serde(flatten)]
    pub job: Job,
    /// Whose it is; nobody's: the platform's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What it was given.
    #[schema(value_type = Object, example = json!({"user_id": "usr_01h455vb4pex5vsknk084sn02q"}))]
    pub payload: Value,
    /// How often it may be begun.
    #[schema(minimum = 1, example = 20)]
    pub max_attempts: u32,
    /// The lane that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "auth/usr_01h455vb4pex5vsknk084sn02q")]
    pub lane: Option<String>,
    /// From where its next attempt goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub checkpoint: Option<Value>,
    /// Why the last attempt that failed did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "the mail server is not available: connection refused")]
    pub last_error: Option<String>,
    /// Which worker has or had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// When it is to be begun, while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<Timestamp>,
}

/// One page of a service's jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobPage {
    /// The jobs, the latest first.
    pub data: Vec<JobDetails>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// How many jobs a service has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobCounts {
    /// By kind and state; what has ended well or was cancelled is not counted.
    pub data: Vec<JobCount>,
}

/// How many jobs of a kind are in a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobCount {
    /// Their kind.
    #[schema(example = "prefs.export")]
    pub kind: String,
    /// Their state.
    pub state: JobState,
    /// How many.
    #[schema(example = 12)]
    pub count: i64,
    /// How long the oldest has been due, seconds; 0 for what is not due yet or has ended.
    #[schema(example = 3.5)]
    pub oldest_seconds: f64,
}

impl JobState {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Scheduled,
        Self::Parked,
        Self::Running,
        Self::Succeeded,
        Self::Discarded,
        Self::Cancelled,
    ];

    /// As JSON and queries write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Parked => "parked",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing happens any more, unless somebody has it tried again.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Discarded | Self::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownState(String);

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|state| state.name() == name);
        known.ok_or_else(|| UnknownState(name.to_owned()))
    }
}

impl fmt::Display for UnknownState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = JobState::ALL.map(JobState::name).join(", ");
        write!(f, "there is no state `{}`, only: {known}", self.0)
    }
}

impl std::error::Error for UnknownState {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_named_in_json_as_everywhere() {
        for state in JobState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("Ready".parse::<JobState>().is_err());
    }

    #[test]
    fn details_are_a_job_and_more() {
        let text = serde_json::json!({
            "id": JobId::generate(), "kind": "k", "state": "ready", "cancel_requested": false, "attempt": 0,
            "created_at": "2026-11-20T12:00:00.000Z", "payload": {"a": 1}, "max_attempts": 3,
        });
        let details: JobDetails = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&details).unwrap(), text);
    }
}
