//! The SQL of second factors.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, delete, insert_into, update,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Timestamp, UserId};
use service_kit::db;

use crate::schema::{recovery_codes, totp_factors};

/// The codes of a user's device.
#[derive(Queryable, Selectable)]
#[diesel(table_name = totp_factors, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Factor {
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) confirmed_at: Option<Timestamp>,
}

/// The factor of `user`, confirmed or not.
pub(crate) async fn find(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Factor>> {
    Ok(totp_factors::table.find(user).select(Factor::as_select()).first(connection).await.optional()?)
}

/// Keeps a secret that waits for its first code, in place of one that waited; false if one
/// is confirmed.
pub(super) async fn enroll(
    connection: &mut AsyncPgConnection,
    user: UserId,
    sealed: &[u8],
    now: Timestamp,
) -> db::Result<bool> {
    use diesel::query_dsl::methods::FilterDsl;
    let secret = (
        totp_factors::sealed_secret.eq(sealed),
        totp_factors::last_step.eq(0),
        totp_factors::created_at.eq(now),
    );
    let kept = insert_into(totp_factors::table)
        .values((totp_factors::user_id.eq(user), secret))
        .on_conflict(totp_factors::user_id)
        .do_update()
        .set(secret)
        .filter(totp_factors::confirmed_at.is_null())
        .execute(connection)
        .await?;
    Ok(kept == 1)
}

/// Confirms the factor by the code of this step, which is then used up: of many at once,
/// one does.
pub(super) async fn confirm(
    connection: &mut AsyncPgConnection,
    user: UserId,
    sealed: &[u8],
    step: i64,
    now: Timestamp,
) -> db::Result<bool> {
    let confirmed = update(totp_factors::table.find(user))
        .filter(totp_factors::confirmed_at.is_null().and(totp_factors::sealed_secret.eq(sealed)))
        .set((totp_factors::confirmed_at.eq(now), totp_factors::last_step.eq(step)))
        .execute(connection)
        .await?;
    Ok(confirmed == 1)
}

/// Uses up the code of this step: of many at once, one gets it, and none that is older.
pub(super) async fn use_step(
    connection: &mut AsyncPgConnection,
    user: UserId,
    step: i64,
) -> db::Result<bool> {
    let used = update(totp_factors::table.find(user))
        .filter(totp_factors::confirmed_at.is_not_null().and(totp_factors::last_step.lt(step)))
        .set(totp_factors::last_step.eq(step))
        .execute(connection)
        .await?;
    Ok(used == 1)
}

/// Uses up a recovery code: of many at once, one gets it.
pub(super) async fn use_recovery_code(
    connection: &mut AsyncPgConnection,
    user: UserId,
    hash: &[u8],
) -> db::Result<bool> {
    Ok(delete(recovery_codes::table.find((user, hash))).execute(connection).await? == 1)
}

/// Replaces the user's recovery codes.
pub(super) async fn replace_recovery_codes(
    connection: &mut AsyncPgConnection,
    user: UserId,
    hashes: &[Vec<u8>],
) -> db::Result<()> {
    delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(connection).await?;
    let rows = hashes.iter().map(|hash| (recovery_codes::user_id.eq(user), recovery_codes::hash.eq(hash)));
    insert_into(recovery_codes::table).values(rows.collect::<Vec<_>>()).execute(connection).await?;
    Ok(())
}

/// How many recovery codes the user has left.
pub(super) async fn count_recovery_codes(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<i64> {
    let left = recovery_codes::table.filter(recovery_codes::user_id.eq(user));
    Ok(left.count().get_result(connection).await?)
}

/// Deletes the factor and its recovery codes; false if there was none that guarded anything.
pub(crate) async fn switch_off(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<bool> {
    delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user))).execute(connection).await?;
    let confirmed: Option<Option<Timestamp>> = delete(totp_factors::table.find(user))
        .returning(totp_factors::confirmed_at)
        .get_result(connection)
        .await
        .optional()?;
    Ok(confirmed.flatten().is_some())
}
