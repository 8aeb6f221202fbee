//! What is past its time goes, of every noun that has such.

use ids::Timestamp;
use jobs::{CronError, Done, Failure, Job, Missed, Policy, Priority, Run, Schedule};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use crate::{attempt, export, grant, mail, one_time, revocation};

/// Deletes what is past its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Prune {}

impl Prune {
    pub(crate) fn hourly() -> Result<Schedule, CronError> {
        Schedule::new("auth.prune", "17 * * * *", Missed::Once, Self {})
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
        let (mut connection, now) = (db.connection().await?, Timestamp::now());
        attempt::prune(&mut connection, now).await?;
        export::prune(&mut connection, now).await?;
        grant::prune(&mut connection, now).await?;
        mail::prune(&mut connection, now).await?;
        one_time::prune(&mut connection, now).await?;
        revocation::prune(&mut connection, now).await?;
        Ok(run.done())
    }
}
