//! How long messages are kept, with all that was sent of them: whole days of them are dropped. And what was
//! received.

mod store;

use std::time::Duration;

use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use crate::inbound;

/// How much of what was received goes at once.
const BATCH: i64 = 1000;

/// Makes the partitions of the coming week, drops those that are too old, and deletes what was received as
/// long ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rotate {}

impl Rotate {
    /// Every night.
    pub(crate) fn nightly() -> Result<Schedule, CronError> {
        Schedule::new("webhook.rotate_messages", "37 3 * * *", Missed::Once, Self {})
    }
}

impl Job for Rotate {
    type State = (Db, Duration);

    const KIND: &'static str = "webhook.rotate_messages";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, (db, keep): (Db, Duration)) -> Result<Done, Failure> {
        let mut conn = db.connection().await?;
        store::rotate(&mut conn, keep).await?;
        while inbound::forget(&mut conn, keep, BATCH).await? > 0 {}
        Ok(run.done())
    }
}
