use ids::Timestamp;
use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::store;

/// Deletes grants that have ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("auth.prune_grants", "29 * * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "auth.prune_grants";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        store::prune(&mut *db.connection().await?, Timestamp::now()).await?;
        Ok(run.done())
    }
}
