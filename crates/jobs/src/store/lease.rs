//! What the holder of a lease writes while a job runs, and what becomes of leases that
//! ran out.

use std::time::Duration;

use diesel::{
    OptionalExtension, QueryableByName, sql_query,
    sql_types::{Array, Bool, Integer, Interval, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::JobId;
use serde_json::Value;
use service_kit::db;
use uuid::Uuid;

use super::{Ending, finish::Finished, finish_in_lanes, interval};

/// A lease that still holds.
#[derive(Debug, QueryableByName)]
pub(crate) struct Held {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: JobId,
    /// Somebody wants the job to end.
    #[diesel(sql_type = Bool)]
    pub(crate) cancelled: bool,
}

/// Makes these leases last `lease` from now; gives those that still hold.
pub(crate) async fn renew(
    connection: &mut AsyncPgConnection,
    leases: &[(JobId, Uuid)],
    lease: Duration,
) -> db::Result<Vec<Held>> {
    let (ids, tokens): (Vec<Uuid>, Vec<Uuid>) = leases.iter().map(|(id, lease)| (id.uuid(), *lease)).unzip();
    let renew = sql_query(
        "UPDATE jobs j SET leased_until = clock_timestamp() + $3
         FROM unnest($1, $2) AS g(id, lease) WHERE j.id = g.id AND j.lease = g.lease
         RETURNING j.id, j.cancel_requested_at IS NOT NULL AS cancelled",
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
    let write = sql_query("UPDATE jobs SET checkpoint = $3 WHERE id = $1 AND lease = $2");
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
    let write = sql_query(
        "UPDATE jobs SET progress = $3, progress_seq = progress_seq + 1 WHERE id = $1 AND lease = $2",
    );
    let write = write.bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(lease).bind::<Jsonb, _>(value);
    Ok(write.execute(connection).await? > 0)
}

/// Gives back to the queue what was claimed by workers that died: its lease ran out. One
/// that lies further ahead than any worker ever sets it did so before the database's
/// clock was put back. A job whose last attempt that was becomes a dead letter. How many.
pub(crate) async fn expire(connection: &mut AsyncPgConnection, lease: Duration) -> db::Result<usize> {
    #[derive(QueryableByName)]
    struct Row {
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
        #[diesel(sql_type = Bool)]
        cancelled: bool,
        #[diesel(sql_type = Nullable<Text>)]
        worker: Option<String>,
    }
    // Each in a transaction of its own, and none locks a row before its lane.
    for expired in 0.. {
        let one = db::transaction(connection, async |connection| {
            let row: Option<Row> = sql_query(
                "SELECT id, lease, lane, attempt, max_attempts, cancel_requested_at IS NOT NULL AS cancelled, worker
                 FROM jobs WHERE state = 'running'
                   AND (leased_until < clock_timestamp() OR leased_until > clock_timestamp() + 2 * $1)
                 ORDER BY leased_until LIMIT 1",
            )
            .bind::<Interval, _>(interval(lease))
            .get_result(connection)
            .await
            .optional()?;
            let Some(row) = row else { return Ok::<_, db::Error>(false) };
            let why = format!("its worker {} died or stood still", row.worker.unwrap_or_default());
            tracing::warn!(job = %row.id, attempt = row.attempt, %why, "a lease ran out");
            let ending = if row.cancelled {
                Ending::Cancelled
            } else if row.attempt >= row.max_attempts {
                Ending::Discarded(why)
            } else {
                Ending::Again { after: Duration::ZERO, why }
            };
            let lanes: Vec<String> = row.lane.into_iter().collect();
            finish_in_lanes(connection, &[Finished { id: row.id, lease: row.lease, ending }], &lanes).await?;
            Ok(true)
        })
        .await?;
        if !one {
            return Ok(expired);
        }
    }
    Ok(0)
}
