//! Taking jobs out of the queue.

use std::time::Duration;

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Double, Integer, Interval, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{JobId, OrgId, UserId};
use serde_json::Value;
use service_kit::db::{self, statement};
use uuid::Uuid;

use super::{interval, lanes};
use crate::Priority;

/// A job that this worker holds.
#[derive(Debug, QueryableByName)]
pub(crate) struct Claimed {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: JobId,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) lease: Uuid,
    #[diesel(sql_type = Text)]
    pub(crate) kind: String,
    #[diesel(sql_type = Jsonb)]
    pub(crate) payload: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(crate) context: Option<Value>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(crate) org_id: Option<OrgId>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(crate) user_id: Option<UserId>,
    #[diesel(sql_type = Integer)]
    pub(crate) attempt: i32,
    #[diesel(sql_type = Integer)]
    pub(crate) max_attempts: i32,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) lane: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(crate) checkpoint: Option<Value>,
    #[diesel(sql_type = BigInt)]
    pub(crate) position: i64,
    /// How long it had been ready or due, seconds.
    #[diesel(sql_type = Double)]
    pub(crate) waited: f64,
}

/// What a worker looks for, and where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach<'a> {
    /// The kinds that it has handlers for.
    pub(crate) kinds: &'a [&'static str],
    pub(crate) priority: Priority,
    /// Positions up to this one were seen before. Dead rows lie there that VACUUM cannot
    /// remove while any transaction is open, and each look over them would cost more.
    pub(crate) after: i64,
    /// And those after this one are somebody else's to look at.
    pub(crate) up_to: i64,
    pub(crate) limit: i64,
    pub(crate) lease: Duration,
    pub(crate) worker: &'a str,
}

const RETURNING: &str = "
    RETURNING j.id, j.lease, j.kind, j.payload, j.context, j.org_id, j.user_id, j.attempt, j.max_attempts,
              j.lane, j.checkpoint, j.position,
              greatest(extract(epoch FROM j.started_at - j.run_at), 0)::float8 AS waited";

/// Takes jobs that run in no lane, the first ones first.
pub(crate) async fn claim(connection: &mut AsyncPgConnection, reach: Reach<'_>) -> db::Result<Haul> {
    let sql = format!(
        "WITH next AS MATERIALIZED (
             SELECT id FROM jobs
             WHERE state = 'ready' AND lane IS NULL AND priority = $1 AND position > $2 AND position <= $7 AND kind = ANY($3)
             ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED)
         UPDATE jobs j SET state = 'running', attempt = attempt + 1, lease = gen_random_uuid(),
             leased_until = clock_timestamp() + $5, started_at = clock_timestamp(), worker = $6,
             progress_seq = progress_seq + 1
         WHERE j.id = ANY(ARRAY(SELECT id FROM next)) {RETURNING}"
    );
    let claimed = statement(sql)
        .bind::<SmallInt, _>(reach.priority.number())
        .bind::<BigInt, _>(reach.after)
        .bind::<Array<Text>, _>(reach.kinds)
        .bind::<BigInt, _>(reach.limit)
        .bind::<Interval, _>(interval(reach.lease))
        .bind::<Text, _>(reach.worker)
        .bind::<BigInt, _>(reach.up_to);
    let mut claimed: Vec<Claimed> = claimed.load(connection).await?;
    claimed.sort_by_key(|job| job.position);
    let full = i64::try_from(claimed.len()).is_ok_and(|taken| taken >= reach.limit);
    let up_to = claimed.last().map_or(reach.after, |job| job.position);
    Ok(Haul { claimed, full, up_to })
}

/// What a look into the queue brought.
#[derive(Debug, Default)]
pub(crate) struct Haul {
    pub(crate) claimed: Vec<Claimed>,
    /// Whether there may be more behind.
    pub(crate) full: bool,
    /// Up to where everything is settled.
    pub(crate) up_to: i64,
}

/// Takes jobs that run in lanes, as far as their lanes have room, and parks the others
/// that it looked at.
pub(crate) async fn claim_in_lanes(connection: &mut AsyncPgConnection, reach: Reach<'_>) -> db::Result<Haul> {
    db::transaction(connection, async |connection| {
        let candidates = lanes::candidates(connection, &reach).await?;
        let Some(last) = candidates.last() else { return Ok(Haul { up_to: reach.after, ..Haul::default() }) };
        let full = i64::try_from(candidates.len()).is_ok_and(|looked_at| looked_at >= reach.limit);
        let last = last.position;
        let choice = lanes::choose(connection, candidates).await?;
        let claimed = take(connection, &reach, &choice.taken).await?;
        lanes::park(connection, &choice.parked).await?;
        lanes::release(connection, &choice.crowded).await?;
        Ok(Haul { claimed, full, up_to: choice.left_from.map_or(last, |left| left - 1) })
    })
    .await
}

/// Takes these jobs, whose rows the transaction has locked.
async fn take(
    connection: &mut AsyncPgConnection,
    reach: &Reach<'_>,
    ids: &[JobId],
) -> db::Result<Vec<Claimed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "UPDATE jobs j SET state = 'running', attempt = attempt + 1, lease = gen_random_uuid(),
             leased_until = clock_timestamp() + $2, started_at = clock_timestamp(), worker = $3,
             progress_seq = progress_seq + 1
         WHERE j.id = ANY($1) {RETURNING}"
    );
    let taken = statement(sql)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Interval, _>(interval(reach.lease))
        .bind::<Text, _>(reach.worker);
    let mut taken: Vec<Claimed> = taken.load(connection).await?;
    taken.sort_by_key(|job| job.position);
    Ok(taken)
}

/// Puts what is due into the queue, at its end; how many, and how long until the next
/// is due.
pub(crate) async fn promote(connection: &mut AsyncPgConnection) -> db::Result<(i64, Option<Duration>)> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        promoted: i64,
        #[diesel(sql_type = Nullable<Double>)]
        next: Option<f64>,
    }
    let row: Option<Row> = statement(
        "WITH due AS MATERIALIZED (
             SELECT id FROM jobs WHERE state = 'scheduled' AND run_at <= clock_timestamp()
             ORDER BY run_at LIMIT 500 FOR UPDATE SKIP LOCKED),
         promoted AS (
             UPDATE jobs SET state = 'ready', position = nextval('jobs_position')
             WHERE id = ANY(ARRAY(SELECT id FROM due)) RETURNING id)
         SELECT (SELECT count(*) FROM promoted) AS promoted,
                (SELECT extract(epoch FROM run_at - clock_timestamp())::float8 FROM jobs
                 WHERE state = 'scheduled' AND run_at > clock_timestamp() ORDER BY run_at LIMIT 1) AS next",
    )
    .get_result(connection)
    .await
    .optional()?;
    let Some(row) = row else { return Ok((0, None)) };
    Ok((row.promoted, row.next.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.0, 1e6)))))
}
