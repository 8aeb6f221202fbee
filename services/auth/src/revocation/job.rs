use std::time::Duration;

use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::store;

/// How long revocations are kept: longer than a reader looks back when it starts.
const KEEP: Duration = Duration::from_secs(60 * 60);

/// Deletes revocations of tokens that have long ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("auth.prune_revocations", "41 * * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "auth.prune_revocations";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        store::prune(&mut *db.connection().await?, KEEP).await?;
        Ok(run.done())
    }
}
