//! The SQL of records.

use diesel::{
    ExpressionMethods, IntoSql, QueryDsl, define_sql_function,
    dsl::{IntervalDsl, now},
    select,
    sql_types::{BigInt, Binary, Integer, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::db::{self, statement};

use crate::record::{Operation, Owner};

diesel::table! {
    idempotency_records (id) {
        id -> Binary,
        org_id -> Uuid,
        user_id -> Uuid,
        sealed -> Binary,
        created_at -> Timestamptz,
    }
}

define_sql_function! {
    /// Takes a lock until the transaction ends, or says at once that another has it.
    fn pg_try_advisory_xact_lock(number: BigInt) -> Bool;
}

/// How long a record holds, hours.
const HOURS: i32 = 24;

/// How many records are deleted at a time, so that no lock is held for long.
const BATCH: i64 = 1000;

/// What there is of an act.
pub(crate) enum Found {
    /// Another transaction is at it.
    InFlight,
    /// It was done; the sealed record.
    Record(Vec<u8>),
    /// Nothing that could be seen, and it is ours until the transaction ends.
    Nothing,
}

/// Claims the act until the transaction ends, in one statement. Its one snapshot is
/// older than the lock: a record that was committed in between is not seen, which
/// [`keep`] tells in the end.
pub(crate) async fn claim(connection: &mut AsyncPgConnection, act: &Operation) -> db::Result<Found> {
    use idempotency_records as r;
    let lives = r::created_at.gt(now.into_sql::<Timestamptz>() - HOURS.hours());
    let record = r::table.find(act.id()).filter(lives).select(r::sealed).single_value();
    let claimed = select((pg_try_advisory_xact_lock(act.lock()), record));
    let (locked, sealed): (bool, Option<Vec<u8>>) = claimed.get_result(connection).await?;
    Ok(match (sealed, locked) {
        (Some(sealed), _) => Found::Record(sealed),
        (None, true) => Found::Nothing,
        (None, false) => Found::InFlight,
    })
}

/// Keeps the record, also in the place of one past its time; `false` when there is
/// one already.
pub(crate) async fn keep(
    connection: &mut AsyncPgConnection,
    owner: Owner,
    act: &Operation,
    sealed: &[u8],
) -> db::Result<bool> {
    let sql = "
        INSERT INTO idempotency_records AS r (id, org_id, user_id, sealed) VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, created_at = excluded.created_at
        WHERE r.created_at <= now() - make_interval(hours => $5)";
    let kept = statement(sql)
        .bind::<Binary, _>(act.id())
        .bind::<Uuid, _>(owner.org)
        .bind::<Uuid, _>(owner.user)
        .bind::<Binary, _>(sealed)
        .bind::<Integer, _>(HOURS);
    Ok(kept.execute(connection).await? == 1)
}

/// Deletes the records past their time, in batches; gives how many there were.
///
/// # Errors
/// When the database is away; what was deleted before stays so.
pub async fn prune(connection: &mut AsyncPgConnection) -> db::Result<usize> {
    let sql = "DELETE FROM idempotency_records WHERE id IN (
                   SELECT id FROM idempotency_records
                   WHERE created_at <= now() - make_interval(hours => $1) LIMIT $2)";
    let mut pruned = 0;
    loop {
        let batch = statement(sql).bind::<Integer, _>(HOURS).bind::<BigInt, _>(BATCH);
        match batch.execute(connection).await? {
            0 => return Ok(pruned),
            deleted => pruned += deleted,
        }
    }
}
