use std::time::Duration;

use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::store;

/// How long revocations are kept: longer than a reader looks back when it starts.
const KEEP: Duration = Duration::from_secs(60 * 60);

/// Deletes what is past its time: revocations, and records of idempotent requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("auth.prune", "41 * * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "auth.prune";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        let mut connection = db.connection().await?;
        let revocations = store::prune(&mut connection, KEEP).await?;
        let records = idempotency::prune(&mut connection).await?;
        tracing::info!(revocations, records, "what is past its time is deleted");
        Ok(run.done())
    }
}
