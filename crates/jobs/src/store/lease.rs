//! What the holder of a lease writes while a job runs, and what becomes of leases that
//! ran out.

use std::time::Duration;

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, Bool, Integer, Interval, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::JobId;
use serde_json::Value;
use service_kit::db::{self, statement};
use uuid::Uuid;

use super::{Ending, finish::Finished, finish_in_lanes, interval};

/// A lease that still holds.
#[derive(Debug, QueryableByName)]
pub(crate) struct Held {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) lease: Uuid,
    /// Somebody wants the job to end.
    #[diesel(sql_type = Bool)]
    pub(crate) cancelled: bool,
}

/// Makes these leases last `lease` from now; gives those that still hold. One whose row
/// is locked is about to end, or to be renewed by that transaction's failing: it is passed
/// over, since waiting for it would let the others run out.
pub(crate) async fn renew(
    connection: &mut AsyncPgConnection,
    leases: &[(JobId, Uuid)],
    lease: Duration,
) -> db::Result<Vec<Held>> {
    let (ids, tokens): (Vec<Uuid>, Vec<Uuid>) = leases.iter().map(|(id, lease)| (id.uuid(), *lease)).unzip();
    let renew = statement(
        "WITH given AS MATERIALIZED (SELECT * FROM unnest($1, $2) AS g(id, lease)),
         free AS MATERIALIZED (
             SELECT j.id FROM given g JOIN jobs j ON j.id = g.id AND j.lease = g.lease
             FOR UPDATE OF j SKIP LOCKED),
         renewed AS (
             UPDATE jobs SET leased_until = clock_timestamp() + $3 WHERE id = ANY(ARRAY(SELECT id FROM free)))
         SELECT j.lease, j.cancel_requested_at IS NOT NULL AS cancelled
         FROM given g JOIN jobs j ON j.id = g.id AND j.lease = g.lease",
    );
    let renew = renew
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(tokens)
        .bind::<Interval, _>(interval(lease));
    Ok(renew.load(connection).await?)
}

/// Writes how far a job is, for its next attempt; whether the lease still holds.
pub(crate) async fn checkpoint(
    connection: &mut AsyncPgConnection,
    id: JobId,
    lease: Uuid,
    value: &Value,
) -> db::Result<bool> {
    let write = statement("UPDATE jobs SET checkpoint = $3 WHERE id = $1 AND lease = $2");
    let write = write.bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(lease).bind::<Jsonb, _>(value);
    Ok(write.execute(connection).await? > 0)
}

/// Writes how far a job is, for those who watch; whether the lease still holds.
pub(crate) async fn progress(
    connection: &mut AsyncPgConnection,
    id: JobId,
    lease: Uuid,
    value: &Value,
) -> db::Result<bool> {
    let write = statement(
        "UPDATE jobs SET progress = $3, progress_seq = progress_seq + 1 WHERE id = $1 AND lease = $2",
    );
    let write = write.bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(lease).bind::<Jsonb, _>(value);
    Ok(write.execute(connection).await? > 0)
}

/// A lease that ran out.
#[derive(QueryableByName)]
struct Late {
    #[diesel(sql_type = SqlUuid)]
    id: JobId,
    #[diesel(sql_type = SqlUuid)]
    lease: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    lane: Option<String>,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    #[diesel(sql_type = Integer)]
    max_attempts: i32,
    #[diesel(sql_type = Nullable<Text>)]
    worker: Option<String>,
}

/// Gives back to the queue what was claimed by workers that died: its lease ran out. One
/// that lies further ahead than any worker ever sets it did so before the database's
/// clock was put back. A job whose last attempt that was becomes a dead letter. How many.
pub(crate) async fn expire(connection: &mut AsyncPgConnection, lease: Duration) -> db::Result<usize> {
    let mut expired = 0;
    while let Some(late) = find_late(connection, lease).await? {
        let why = format!("its worker {} died or stood still", late.worker.unwrap_or_default());
        tracing::warn!(job = %late.id, attempt = late.attempt, %why, "a lease ran out");
        let ending = if late.attempt >= late.max_attempts {
            Ending::Discarded(why)
        } else {
            Ending::Again { after: Duration::ZERO, why }
        };
        let finished = [Finished { id: late.id, lease: late.lease, ending, is_kept: true }];
        let lanes: Vec<String> = late.lane.into_iter().collect();
        let ended: db::Result<_> = db::transaction(connection, async |connection| {
            finish_in_lanes(connection, &finished, &lanes).await
        })
        .await;
        expired += ended?.len();
    }
    Ok(expired)
}

/// One whose row nobody locks: somebody may be about to end it. The lock is not kept, since
/// a lane's lock comes before those of its jobs.
async fn find_late(connection: &mut AsyncPgConnection, lease: Duration) -> db::Result<Option<Late>> {
    let late = statement(
        "SELECT id, lease, lane, attempt, max_attempts, worker FROM jobs WHERE state = 'running'
           AND (leased_until < clock_timestamp() OR leased_until > clock_timestamp() + 2 * $1)
         ORDER BY leased_until LIMIT 1 FOR UPDATE SKIP LOCKED",
    );
    Ok(late.bind::<Interval, _>(interval(lease)).get_result(connection).await.optional()?)
}
