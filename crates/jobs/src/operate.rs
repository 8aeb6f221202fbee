//! What operators and owners do with jobs, each in a transaction of its own.

use ids::{JobId, OrgId};
use service_kit::{
    db::{self, Db},
    page::Page,
};

use crate::store::{self, Cancelled, Count, Filter, Replayed, Stored};

/// One job, in the queue or ended; of `org` alone, if one is given.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, org: Option<OrgId>, id: JobId) -> db::Result<Option<Stored>> {
    store::find(&mut *db.connection().await?, org, id).await
}

/// A page of jobs, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, filter: Filter<'_>, page: Page) -> db::Result<Vec<Stored>> {
    store::list(&mut *db.connection().await?, filter, page).await
}

/// How many jobs are in which state, and how long the oldest has been due.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &Db) -> db::Result<Vec<Count>> {
    store::counts(&mut *db.connection().await?).await
}

/// Asks a job to end: one that waits is over at once, one that runs is interrupted at
/// its next wait. One of `org` alone, if one is given.
///
/// # Errors
/// When the database fails.
pub async fn cancel(db: &Db, org: Option<OrgId>, id: JobId) -> db::Result<Cancelled> {
    db.transaction(async |connection| store::cancel(connection, org, id).await).await
}

/// Puts a dead letter or a cancelled job back into the queue with all its attempts, or
/// makes one that waits for its next attempt due now.
///
/// # Errors
/// When the database fails.
pub async fn replay(db: &Db, id: JobId) -> db::Result<Replayed> {
    db.transaction(async |connection| store::replay(connection, id).await).await
}
