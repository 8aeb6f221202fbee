use std::time::Duration;

use ids::Timestamp;
use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::store;

/// How long mails are kept: a mail service that was away for that long sends them no more.
const KEEP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Deletes mails that were to be sent long ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("auth.prune_mails", "23 * * * *", Missed::Once, Self {})
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "auth.prune_mails";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        store::prune(&mut *db.connection().await?, Timestamp::now() - KEEP).await?;
        Ok(run.done())
    }
}
