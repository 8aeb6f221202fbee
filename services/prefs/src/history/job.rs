use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::store;
use crate::settings::Retention;

/// How many versions one statement deletes at most.
const BATCH: i64 = 1000;

/// Deletes versions that are older, or more, than are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn nightly() -> Result<Schedule, CronError> {
        Schedule::new("prefs.prune_history", "23 3 * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = (Db, Retention);

    const KIND: &'static str = "prefs.prune_history";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, (db, retention): (Db, Retention)) -> Result<Done, Failure> {
        while store::prune(&mut *db.connection().await?, retention, BATCH).await? > 0 {}
        Ok(run.done())
    }
}
