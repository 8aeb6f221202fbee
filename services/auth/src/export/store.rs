//! The SQL of exports and of their parts.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, delete,
    dsl::{count_star, exists, min, select},
    insert_into, update,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{ExportId, JobId, Timestamp, UserId};
use service_kit::{db, page::Page};

use super::{
    rules::{self, Part},
    sealed::Sealed,
};
use crate::schema::{export_parts as parts, exports, users};

/// An export that its user sees.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = exports, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub(super) id: ExportId,
    pub(super) job_id: JobId,
    pub(super) created_at: Timestamp,
    pub(super) ready_at: Option<Timestamp>,
    pub(super) size: Option<i64>,
    pub(super) expires_at: Timestamp,
}

pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    user: UserId,
    (id, job): (ExportId, JobId),
    now: Timestamp,
) -> db::Result<Row> {
    let new = (
        exports::id.eq(id),
        exports::user_id.eq(user),
        exports::job_id.eq(job),
        exports::created_at.eq(now),
        exports::expires_at.eq(rules::expiry(now)),
    );
    let inserted = insert_into(exports::table).values(new).returning(Row::as_returning());
    Ok(inserted.get_result(connection).await?)
}

/// How many the user asked for since then, and when for the first of them.
pub(super) async fn count_since(
    connection: &mut AsyncPgConnection,
    user: UserId,
    since: Timestamp,
) -> db::Result<(i64, Option<Timestamp>)> {
    let those = exports::table.filter(exports::user_id.eq(user).and(exports::created_at.gt(since)));
    let counted = those.select((count_star(), min(exports::created_at)));
    Ok(counted.get_result(connection).await?)
}

/// The user's export that this job gathers, if they still want it.
pub(super) async fn of_job(
    connection: &mut AsyncPgConnection,
    user: UserId,
    job: JobId,
) -> db::Result<Option<Row>> {
    let theirs = exports::user_id.eq(user).and(exports::withdrawn_at.is_null());
    let one = exports::table.filter(exports::job_id.eq(job).and(theirs)).select(Row::as_select());
    Ok(one.first(connection).await.optional()?)
}

/// An export of the user that can be seen now.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: ExportId,
    now: Timestamp,
) -> db::Result<Option<Row>> {
    let theirs = exports::user_id.eq(user).and(exports::withdrawn_at.is_null());
    let one = exports::table.find(id).filter(theirs.and(exports::expires_at.gt(now)));
    Ok(one.select(Row::as_select()).first(connection).await.optional()?)
}

/// The user's latest export that is ready.
pub(super) async fn latest_ready(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> db::Result<Option<Row>> {
    let theirs = exports::user_id.eq(user).and(exports::withdrawn_at.is_null());
    let ready = exports::ready_at.is_not_null().and(exports::expires_at.gt(now));
    let latest = exports::table.filter(theirs.and(ready)).order(exports::id.desc());
    Ok(latest.select(Row::as_select()).first(connection).await.optional()?)
}

/// A page of the user's exports, the latest first.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    user: UserId,
    page: Page,
    now: Timestamp,
) -> db::Result<Vec<Row>> {
    let theirs = exports::user_id.eq(user).and(exports::withdrawn_at.is_null());
    let mut query = exports::table
        .filter(theirs.and(exports::expires_at.gt(now)))
        .order(exports::id.desc())
        .limit(page.rows())
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = page.after {
        query = query.filter(exports::id.lt(after));
    }
    Ok(query.load(connection).await?)
}

/// An export that is being gathered.
pub(super) struct Wanted {
    pub(super) created_at: Timestamp,
    /// Whether the user was banned since they asked.
    pub(super) banned: bool,
}

/// The export, unless it is ready, deleted or gone with its user; until the transaction ends
/// it is none of that.
pub(super) async fn hold(connection: &mut AsyncPgConnection, id: ExportId) -> db::Result<Option<Wanted>> {
    let wanted = exports::ready_at.is_null().and(exports::withdrawn_at.is_null());
    let held: Option<(UserId, Timestamp)> = exports::table
        .find(id)
        .filter(wanted)
        .select((exports::user_id, exports::created_at))
        .for_no_key_update()
        .first(connection)
        .await
        .optional()?;
    let Some((user, created_at)) = held else { return Ok(None) };
    let banned = users::table.find(user).select(users::banned_at.is_not_null());
    let banned: Option<bool> = banned.first(connection).await.optional()?;
    Ok(banned.map(|banned| Wanted { created_at, banned }))
}

/// Keeps what a service told, unless it has told before; the export is held. Of two answers
/// no parts are mixed.
pub(super) async fn keep(
    connection: &mut AsyncPgConnection,
    id: ExportId,
    service: &str,
    told: &[Sealed],
) -> db::Result<()> {
    let before = parts::table.filter(parts::export_id.eq(id).and(parts::service.eq(service)));
    if select(exists(before)).get_result(connection).await? {
        return Ok(());
    }
    for Sealed { part: Part { service, n, bytes }, sealed } in told {
        let place = (parts::export_id.eq(id), parts::service.eq(service), parts::n.eq(n));
        let row = (place, (parts::bytes.eq(bytes), parts::sealed.eq(sealed)));
        insert_into(parts::table).values(row).execute(connection).await?;
    }
    Ok(())
}

/// The parts of an export, in their order.
pub(super) async fn parts(connection: &mut AsyncPgConnection, id: ExportId) -> db::Result<Vec<Part>> {
    let all = parts::table.filter(parts::export_id.eq(id)).order((parts::service, parts::n));
    let rows: Vec<(String, i32, i32)> =
        all.select((parts::service, parts::n, parts::bytes)).load(connection).await?;
    Ok(rows.into_iter().map(|(service, n, bytes)| Part { service, n, bytes }).collect())
}

/// What a part holds, sealed; `None`: it was deleted meanwhile.
pub(super) async fn part(
    connection: &mut AsyncPgConnection,
    id: ExportId,
    part: &Part,
) -> db::Result<Option<Vec<u8>>> {
    let one = parts::table.find((id, &part.service, part.n)).select(parts::sealed);
    Ok(one.first(connection).await.optional()?)
}

/// Marks an export that is held as ready.
pub(super) async fn complete(
    connection: &mut AsyncPgConnection,
    id: ExportId,
    size: i64,
    now: Timestamp,
) -> db::Result<()> {
    let ready =
        (exports::ready_at.eq(now), exports::size.eq(size), exports::expires_at.eq(rules::expiry(now)));
    update(exports::table.find(id)).set(ready).execute(connection).await?;
    Ok(())
}

/// Forgets an export of the user and what it holds; it as it was, if there was one.
pub(super) async fn withdraw(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: ExportId,
    now: Timestamp,
) -> db::Result<Option<Row>> {
    let theirs = exports::user_id.eq(user).and(exports::withdrawn_at.is_null());
    let one = exports::table.find(id).filter(theirs.and(exports::expires_at.gt(now)));
    let held: Option<Row> =
        one.select(Row::as_select()).for_no_key_update().first(connection).await.optional()?;
    let Some(held) = held else { return Ok(None) };
    let gone = (exports::withdrawn_at.eq(now), exports::expires_at.eq(rules::counts_until(held.created_at)));
    update(exports::table.find(id)).set(gone).execute(connection).await?;
    delete(parts::table.filter(parts::export_id.eq(id))).execute(connection).await?;
    Ok(Some(held))
}

/// Deletes those that are past their time; gives how many.
pub(crate) async fn prune(connection: &mut AsyncPgConnection, now: Timestamp) -> db::Result<usize> {
    Ok(delete(exports::table.filter(exports::expires_at.le(now))).execute(connection).await?)
}
