//! Ending an attempt. Every statement asks for the lease: who lost it changes nothing.

use std::time::Duration;

use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Double, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::JobId;
use service_kit::db::{self, statement};
use uuid::Uuid;

use super::lanes;

/// The longest wait that is written, seconds: a year. What a `Retry-After` says may be any.
const LONGEST_WAIT: f64 = 365.0 * 24.0 * 60.0 * 60.0;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// It did its work.
    Succeeded,
    /// It is given up: a dead letter.
    Discarded(String),
    /// Somebody no longer wants it.
    Cancelled,
    /// It is tried again after a while.
    Again { after: Duration, why: String },
    /// The worker is on its way out: the attempt does not count.
    Released,
}

/// An attempt that ended, of whoever holds the lease.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) id: JobId,
    pub(crate) lease: Uuid,
    pub(crate) ending: Ending,
    /// Whether it is in the history if it succeeded.
    pub(crate) is_kept: bool,
}

impl Ending {
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Discarded(_) => "discarded",
            Self::Cancelled => "cancelled",
            Self::Again { .. } => "again",
            Self::Released => "released",
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Discarded(why) | Self::Again { why, .. } => Some(why),
            _ => None,
        }
    }

    fn wait(&self) -> f64 {
        match self {
            Self::Again { after, .. } => after.as_secs_f64().min(LONGEST_WAIT),
            _ => 0.0,
        }
    }
}

/// Ends attempts of jobs that run in no lane, in one statement; gives those that were
/// still this worker's to end. What somebody wants to end does not return to the queue.
pub(crate) async fn finish(
    connection: &mut AsyncPgConnection,
    finished: &[Finished],
) -> db::Result<Vec<JobId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: JobId,
    }
    let column = |of: fn(&Finished) -> Uuid| finished.iter().map(of).collect::<Vec<_>>();
    let rows = statement(
        "WITH given AS MATERIALIZED (
             SELECT g.id, g.lease, g.why, g.wait, g.is_kept,
                 CASE WHEN g.outcome IN ('again', 'released') AND j.cancel_requested_at IS NOT NULL
                      THEN 'cancelled' ELSE g.outcome END AS outcome
             FROM unnest($1, $2, $3, $4, $5, $6) AS g(id, lease, outcome, why, wait, is_kept)
             JOIN jobs j ON j.id = g.id AND j.lease = g.lease
             WHERE j.id = ANY($1) ORDER BY j.id FOR UPDATE OF j),
         over AS (
             DELETE FROM jobs j USING given g
             WHERE j.id = g.id AND j.lease = g.lease AND g.outcome IN ('succeeded', 'discarded', 'cancelled')
             RETURNING j.*, g.outcome, g.is_kept, coalesce(g.why, j.last_error) AS why),
         kept AS (
             INSERT INTO jobs_history (id, org_id, user_id, kind, payload, context, priority, attempt,
                 max_attempts, unique_key, lane, lane_width, worker, checkpoint, progress, progress_seq,
                 outcome, last_error, created_at, started_at)
             SELECT id, org_id, user_id, kind, payload, context, priority, attempt,
                 max_attempts, unique_key, lane, lane_width, worker, checkpoint, progress, progress_seq + 1,
                 outcome, why, created_at, started_at FROM over WHERE is_kept OR outcome <> 'succeeded'),
         back AS (
             UPDATE jobs j SET lease = NULL, leased_until = NULL, last_error = coalesce(g.why, j.last_error),
                 state = CASE g.outcome WHEN 'again' THEN 'scheduled' ELSE 'ready' END,
                 attempt = attempt - CASE g.outcome WHEN 'again' THEN 0 ELSE 1 END,
                 run_at = CASE g.outcome WHEN 'again' THEN clock_timestamp() + make_interval(secs => g.wait)
                                         ELSE j.run_at END,
                 position = nextval('jobs_position'), progress_seq = progress_seq + 1
             FROM given g
             WHERE j.id = g.id AND j.lease = g.lease AND g.outcome IN ('again', 'released')
             RETURNING j.id)
         SELECT id FROM over UNION ALL SELECT id FROM back",
    )
    .bind::<Array<SqlUuid>, _>(column(|one| one.id.uuid()))
    .bind::<Array<SqlUuid>, _>(column(|one| one.lease))
    .bind::<Array<Text>, _>(finished.iter().map(|one| one.ending.outcome()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(finished.iter().map(|one| one.ending.why()).collect::<Vec<_>>())
    .bind::<Array<Double>, _>(finished.iter().map(|one| one.ending.wait()).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(finished.iter().map(|one| one.is_kept).collect::<Vec<_>>())
    .load::<Row>(connection)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// [`finish`] for jobs that run in `lanes`: the next ones of those get their turn. In a
/// transaction of the caller's, as its last act: the lanes are locked from here on.
pub(crate) async fn finish_in_lanes(
    connection: &mut AsyncPgConnection,
    finished: &[Finished],
    lanes: &[String],
) -> db::Result<Vec<JobId>> {
    lanes::lock(connection, lanes).await?;
    let ended = finish(connection, finished).await?;
    lanes::release(connection, lanes).await?;
    Ok(ended)
}
