//! What happens to exports, whole. Each belongs in one transaction. Locks are taken in one
//! order: the user, the export, its job.

use audit::{By, Entry};
use contract_auth::{Export, ExportState, MailKind, audited};
use diesel_async::AsyncPgConnection;
use identity::Principal;
use ids::{ExportId, Timestamp, UserId};
use jobs::{EnqueueError, NewJob};
use service_kit::db;

use super::{
    ExportError, Gather,
    rules::{self, Piece},
    store::{self, Row},
};
use crate::{
    account, mail, proof,
    rights::{self, RightsError},
    session,
};

/// Asks for an export in the caller's name; gives the one that is under way, if one is. The
/// job's unique key decides which of many at once is made.
pub(super) async fn request(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    by: &By,
    now: Timestamp,
) -> Result<Row, ExportError> {
    rights::store::require_live(connection, caller).await?;
    session::act::require_fresh(connection, caller, now).await?;
    let (id, user) = (ExportId::generate(), caller.user);
    // So that nobody's are counted while one is added.
    proof::store::lock(connection, user).await?.ok_or(RightsError::Ended)?;
    let job = NewJob::of(&Gather { export: id, user }).map_err(EnqueueError::from)?;
    let job = job.org(caller.org).by(user).enqueue(connection).await?;
    if !job.fresh {
        return store::of_job(connection, user, job.id).await?.ok_or(ExportError::Ending);
    }
    let made = store::insert(connection, user, (id, job.id), now).await?;
    let (count, oldest) = store::count_since(connection, user, rules::counted_since(now)).await?;
    if count > rules::A_DAY {
        return Err(ExportError::TooMany(rules::wait(oldest.unwrap_or(now), now)));
    }
    audit::record(connection, by, Entry::of(audited::EXPORT_REQUESTED).on(id)).await?;
    Ok(made)
}

/// An export as its user sees it.
pub(super) async fn shown(connection: &mut AsyncPgConnection, row: Row) -> db::Result<Export> {
    let state = state(connection, &row).await?;
    Ok(as_seen(row, state))
}

/// Exports as their user sees them, in their order.
pub(super) async fn all_shown(connection: &mut AsyncPgConnection, rows: Vec<Row>) -> db::Result<Vec<Export>> {
    let states = states(connection, &rows).await?;
    Ok(rows.into_iter().zip(states).map(|(row, state)| as_seen(row, state)).collect())
}

fn as_seen(row: Row, state: ExportState) -> Export {
    let Row { id, job_id, created_at, ready_at, size, expires_at } = row;
    Export { id, job_id, state, created_at, ready_at, expires_at: ready_at.map(|_| expires_at), size }
}

async fn state(connection: &mut AsyncPgConnection, row: &Row) -> db::Result<ExportState> {
    let states = states(connection, std::slice::from_ref(row)).await?;
    Ok(states.first().copied().unwrap_or(ExportState::Failed))
}

/// Until it is ready, an export stands where its job does.
async fn states(connection: &mut AsyncPgConnection, rows: &[Row]) -> db::Result<Vec<ExportState>> {
    let waiting: Vec<_> = rows.iter().filter(|row| row.ready_at.is_none()).map(|row| row.job_id).collect();
    let jobs = match waiting.is_empty() {
        true => Vec::new(),
        false => jobs::find_all_in(connection, &waiting).await?,
    };
    let of = |row: &Row| match row.ready_at {
        Some(_) => ExportState::Ready,
        None => {
            let job = jobs.iter().find(|job| job.id == row.job_id);
            rules::state(job.and_then(|job| job.state.parse().ok()))
        }
    };
    Ok(rows.iter().map(of).collect())
}

/// Hands the document of an export to the caller, or that of the latest: what it is made of.
pub(super) async fn open(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    by: &By,
    which: Option<ExportId>,
    now: Timestamp,
) -> Result<(Row, Vec<Piece>), ExportError> {
    rights::store::require_live(connection, caller).await?;
    session::act::require_fresh(connection, caller, now).await?;
    let row = match which {
        Some(id) => store::find(connection, caller.user, id, now).await?.ok_or(ExportError::Unknown)?,
        None => store::latest_ready(connection, caller.user, now).await?.ok_or(ExportError::NoneReady)?,
    };
    match state(connection, &row).await? {
        ExportState::Ready => {}
        ExportState::Waiting => return Err(ExportError::NotReady),
        ExportState::Failed | ExportState::Cancelled => return Err(ExportError::NotGathered),
    }
    let parts = store::parts(connection, row.id).await?;
    audit::record(connection, by, Entry::of(audited::EXPORT_DOWNLOADED).on(row.id)).await?;
    let document = rules::document(caller.user, row.created_at, parts);
    Ok((row, document))
}

/// Deletes an export of the user; one that is being gathered is given up.
pub(super) async fn delete(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    id: ExportId,
    now: Timestamp,
) -> Result<(), ExportError> {
    let gone = store::withdraw(connection, user, id, now).await?.ok_or(ExportError::Unknown)?;
    audit::record(connection, by, Entry::of(audited::EXPORT_DELETED).on(id)).await?;
    if gone.ready_at.is_none() {
        jobs::cancel_in(connection, None, gone.job_id).await?;
    }
    Ok(())
}

/// Ends an export that all services have told their part of: from now on it can be
/// downloaded, and its user is told. For who was banned meanwhile it ends without a result.
pub(super) async fn complete(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: ExportId,
    now: Timestamp,
) -> db::Result<()> {
    let Some(holder) = proof::store::lock(connection, user).await? else { return Ok(()) };
    let Some(wanted) = store::hold(connection, id).await? else { return Ok(()) };
    if holder.banned {
        return store::withdraw(connection, user, id, now).await.map(drop);
    }
    let parts = store::parts(connection, id).await?;
    let size = rules::length(&rules::document(user, wanted.created_at, parts));
    store::complete(connection, id, i64::try_from(size).unwrap_or(i64::MAX), now).await?;
    let mail = holder.mail(MailKind::ExportReady).with("export_id", id.to_string());
    let mail = mail.with("expires_at", rules::expiry(now).to_string());
    mail::act::send(connection, &mail, now).await?;
    account::act::export_ready(connection, user, id).await
}
