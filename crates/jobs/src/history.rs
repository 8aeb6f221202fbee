use std::time::Duration;

use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use crate::{CronError, Done, Failure, Job, Missed, Run, Schedule, store};

/// How long ended jobs are kept, dead letters among them.
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Makes the partitions of the coming week and drops those that are too old. Every
/// service schedules it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RotateHistory {}

impl RotateHistory {
    /// Every night.
    ///
    /// # Errors
    /// Never; the pattern is a good one.
    pub fn schedule() -> Result<Schedule, CronError> {
        Schedule::new("jobs.rotate_history", "17 3 * * *", Missed::Once, Self {})
    }
}

impl Job for RotateHistory {
    type State = Db;

    const KIND: &'static str = "jobs.rotate_history";

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        store::rotate_history(&mut *db.connection().await?, KEEP).await?;
        Ok(run.done())
    }
}
