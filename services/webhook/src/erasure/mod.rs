//! What goes when an organisation is deleted: its endpoints, and all that was sent to them.
//!
//! A token that was given before may write for a moment longer. So it is done once more when no
//! token of that time is left.

mod store;

use std::time::Duration;

use contract_auth::events::OrganizationDeleted;
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp};
use jobs::{Done, Failure, Job, NewJob, Run};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use crate::inbound;

/// When it is done once more: access tokens live for 15 minutes at most.
const AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// How many messages go at once.
const BATCH: i64 = 1000;

/// Erases all that is an organisation's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Erase {
    org: OrgId,
}

/// Handles `organization.deleted`: its endpoints get nothing from now on, and all of it goes.
pub(crate) async fn of_organization(
    conn: &mut AsyncPgConnection,
    event: OrganizationDeleted,
) -> Result<(), Failure> {
    let erase = Erase { org: event.org_id };
    store::delete_endpoints(conn, erase.org).await?;
    if store::has_history(conn, erase.org).await? {
        NewJob::of(&erase)?.enqueue(conn).await?;
    }
    NewJob::of(&erase)?.at(Timestamp::now() + AGAIN_AFTER).enqueue(conn).await?;
    Ok(())
}

impl Job for Erase {
    type State = Db;

    const KIND: &'static str = "webhook.erase_organization";

    /// In steps, since there may be millions; what is left is found again after a crash.
    async fn run(self, run: Run, db: Db) -> Result<Done, Failure> {
        let mut conn = db.connection().await?;
        while inbound::forget_of(&mut conn, self.org, BATCH).await? > 0 {}
        store::delete_sources(&mut conn, self.org).await?;
        store::delete_endpoints(&mut conn, self.org).await?;
        while store::delete_messages(&mut conn, self.org, BATCH).await? > 0 {}
        tracing::info!(org = %self.org, "webhooks of an organisation are erased");
        Ok(run.done())
    }
}
