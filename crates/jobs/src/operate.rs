//! What operators and owners do with jobs: each in a transaction of its own, or in the
//! caller's (`…_in`), beside what else commits with it.

use diesel_async::AsyncPgConnection;
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

/// [`find`] in the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn find_in(
    connection: &mut AsyncPgConnection,
    org: Option<OrgId>,
    id: JobId,
) -> db::Result<Option<Stored>> {
    store::find(connection, org, id).await
}

/// Those of these jobs that there are, in no order, in the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn find_all_in(connection: &mut AsyncPgConnection, ids: &[JobId]) -> db::Result<Vec<Stored>> {
    let unseen: Vec<(JobId, i64)> = ids.iter().map(|id| (*id, store::UNSEEN)).collect();
    store::changed(connection, &unseen).await
}

/// Those of these jobs whose [`Stored::progress_seq`] is no longer the one given: for
/// who watches them.
///
/// # Errors
/// When the database fails.
pub async fn changed(db: &Db, seen: &[(JobId, i64)]) -> db::Result<Vec<Stored>> {
    store::changed(&mut *db.connection().await?, seen).await
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

/// [`cancel`] in the caller's transaction, near its end: other jobs of the lane wait for
/// the commit.
///
/// # Errors
/// When the database fails.
pub async fn cancel_in(
    connection: &mut AsyncPgConnection,
    org: Option<OrgId>,
    id: JobId,
) -> db::Result<Cancelled> {
    store::cancel(connection, org, id).await
}

/// Puts a dead letter or a cancelled job back into the queue with all its attempts, or
/// makes one that waits for its next attempt due now.
///
/// # Errors
/// When the database fails.
pub async fn replay(db: &Db, id: JobId) -> db::Result<Replayed> {
    db.transaction(async |connection| store::replay(connection, id).await).await
}

/// [`replay`] in the caller's transaction.
///
/// # Errors
/// When the database fails.
pub async fn replay_in(connection: &mut AsyncPgConnection, id: JobId) -> db::Result<Replayed> {
    store::replay(connection, id).await
}
