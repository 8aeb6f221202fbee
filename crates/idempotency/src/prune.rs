use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use crate::store;

/// Deletes records that are past their time: a job for every hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prune {}

impl Prune {
    /// 23 minutes past every hour.
    ///
    /// # Errors
    /// None: the pattern is one.
    pub fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("idempotency.prune", "23 * * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "idempotency.prune";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        store::prune(&mut *db.connection().await?).await?;
        Ok(run.done())
    }
}
