use std::time::Duration;

use diesel_async::AsyncPgConnection;
use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::{self, Db};

use crate::{inbox, store};

/// How many rows are deleted in one statement.
const PORTION: i64 = 1000;

/// Deletes events that are old and that every subscriber was told, and forgets as old
/// ones of others: a job for every night.
///
/// All services keep them for the same time: whoever forgets sooner than a publisher
/// takes an event that is told again for a new one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prune {
    /// How long events are kept: for services that are added later, and for operators.
    pub keep_days: u16,
}

impl Prune {
    /// Every night at 03:20 UTC.
    ///
    /// # Errors
    /// None: the pattern is one.
    pub fn nightly(self) -> Result<Schedule, CronError> {
        Schedule::new("events.prune", "20 3 * * *", Missed::Once, self)
    }
}

impl Default for Prune {
    /// 90 days.
    fn default() -> Self {
        Self { keep_days: 90 }
    }
}

impl Job for Prune {
    type State = Db;

    const KIND: &'static str = "events.prune";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        let keep = Duration::from_secs(u64::from(self.keep_days) * 24 * 60 * 60);
        let deleted = prune(&mut *db.connection().await?, keep).await?;
        tracing::info!(deleted, keep_days = self.keep_days, "old events are deleted");
        Ok(run.done())
    }
}

/// What [`Prune`] does; gives how many rows are gone.
///
/// # Errors
/// When the database is away. What is deleted by then stays so.
pub async fn prune(conn: &mut AsyncPgConnection, keep: Duration) -> db::Result<usize> {
    let mut deleted = 0;
    loop {
        let portion = store::prune(conn, keep, PORTION).await? + inbox::prune(conn, keep, PORTION).await?;
        if portion == 0 {
            return Ok(deleted);
        }
        deleted += portion;
    }
}
