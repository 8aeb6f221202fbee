use ids::Timestamp;
use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::store;

/// Deletes exports that are past their time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("auth.prune_exports", "31 * * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "auth.prune_exports";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        store::prune(&mut *db.connection().await?, Timestamp::now()).await?;
        Ok(run.done())
    }
}
