//! What operators and owners see and do: the queue and the history as one.

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{JobId, OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::{
    db::{self, statement},
    page::Page,
};
use uuid::Uuid;

use super::{Ending, Finished, finish_in_lanes, notify};

/// A job wherever it stands.
#[derive(Clone, Debug, QueryableByName)]
pub struct Stored {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: JobId,
    /// Whose; none for the platform's own.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub org_id: Option<OrgId>,
    /// Who asked for it.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub user_id: Option<UserId>,
    /// Its kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// `ready`, `scheduled`, `parked`, `running`, `succeeded`, `discarded`, `cancelled`.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// What it was given.
    #[diesel(sql_type = Jsonb)]
    pub payload: Value,
    /// How often it was begun.
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    /// How often it may be begun.
    #[diesel(sql_type = Integer)]
    pub max_attempts: i32,
    /// The lane that it runs in.
    #[diesel(sql_type = Nullable<Text>)]
    pub lane: Option<String>,
    /// How far it is, for its next attempt.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub checkpoint: Option<Value>,
    /// How far it is, for those who watch.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub progress: Option<Value>,
    /// Grows whenever those who watch have something to see.
    #[diesel(sql_type = BigInt)]
    pub progress_seq: i64,
    /// Somebody wants it to end.
    #[diesel(sql_type = Bool)]
    pub cancelling: bool,
    /// Why the last attempt that failed did.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// Who runs it or ran it last.
    #[diesel(sql_type = Nullable<Text>)]
    pub worker: Option<String>,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: Timestamp,
    /// When it is to be begun, while it waits.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub run_at: Option<Timestamp>,
    /// When its last attempt began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<Timestamp>,
}

/// How many jobs of a kind are in a state, and since when the oldest.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Count {
    /// Their kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Their state.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// How long the oldest has been due, seconds; 0 for what is not due yet or has ended.
    #[diesel(sql_type = Double)]
    pub oldest_seconds: f64,
}

/// Which jobs are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Those of one kind.
    pub kind: Option<&'a str>,
    /// Those in one state.
    pub state: Option<&'a str>,
    /// Those of one organisation.
    pub org: Option<OrgId>,
}

const QUEUED: &str = "
    SELECT id, org_id, user_id, kind, state, payload, attempt, max_attempts, lane, checkpoint, progress,
           progress_seq, cancel_requested_at IS NOT NULL AS cancelling, last_error, worker, created_at,
           run_at, started_at, NULL::timestamptz AS finished_at FROM jobs";

const ENDED: &str = "
    SELECT id, org_id, user_id, kind, outcome AS state, payload, attempt, max_attempts, lane, checkpoint,
           progress, progress_seq, false AS cancelling, last_error, worker, created_at,
           NULL::timestamptz AS run_at, started_at, finished_at FROM jobs_history";

/// An id holds the time of its making, before which no job ends: old partitions of the
/// history are passed over.
fn ended_after_making(id: &str) -> String {
    format!(
        "finished_at >= to_timestamp(('x' || replace(left({id}::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
                        - interval '2 days'"
    )
}

/// One job; of `org` alone, if one is given.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    org: Option<OrgId>,
    id: JobId,
) -> db::Result<Option<Stored>> {
    let this = "WHERE id = $1 AND ($2 IS NULL OR org_id = $2)";
    let sql = format!(
        "{QUEUED} {this} UNION ALL {ENDED} {this} AND {} ORDER BY finished_at DESC NULLS FIRST LIMIT 1",
        ended_after_making("$1")
    );
    let found = statement(sql).bind::<SqlUuid, _>(id).bind::<Nullable<SqlUuid>, _>(org);
    Ok(found.get_result(connection).await.optional()?)
}

/// A `progress_seq` that no job has.
pub(crate) const UNSEEN: i64 = -1;

/// Those of these jobs whose `progress_seq` is another by now.
pub(crate) async fn changed(
    connection: &mut AsyncPgConnection,
    seen: &[(JobId, i64)],
) -> db::Result<Vec<Stored>> {
    let (ids, seqs): (Vec<JobId>, Vec<i64>) = seen.iter().copied().unzip();
    let oldest = ids.iter().min().copied();
    // By the ids first: a join with `seen` would be planned as a scan of all.
    let changed = "WHERE id = ANY($1) AND (id, progress_seq) NOT IN (SELECT id, seq FROM seen)";
    let sql = format!(
        "WITH seen AS MATERIALIZED (SELECT * FROM unnest($1, $2) AS s(id, seq))
         {QUEUED} {changed} UNION ALL {ENDED} {changed} AND {}",
        ended_after_making("$3")
    );
    let changed = statement(sql)
        .bind::<Array<SqlUuid>, _>(&ids)
        .bind::<Array<BigInt>, _>(&seqs)
        .bind::<Nullable<SqlUuid>, _>(oldest);
    Ok(changed.load(connection).await?)
}

/// A page of jobs, the latest first.
pub(crate) async fn list(
    connection: &mut AsyncPgConnection,
    filter: Filter<'_>,
    page: Page,
) -> db::Result<Vec<Stored>> {
    let those = |state: &str| {
        format!(
            "WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR {state} = $2) AND ($3 IS NULL OR org_id = $3)
               AND ($4 IS NULL OR id < $4) ORDER BY id DESC LIMIT $5"
        )
    };
    let sql = format!(
        "SELECT * FROM (({QUEUED} {}) UNION ALL ({ENDED} {})) both_of_them ORDER BY id DESC LIMIT $5",
        those("state"),
        those("outcome")
    );
    let rows = statement(sql)
        .bind::<Nullable<Text>, _>(filter.kind)
        .bind::<Nullable<Text>, _>(filter.state)
        .bind::<Nullable<SqlUuid>, _>(filter.org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    Ok(rows.load(connection).await?)
}

/// How the queue stands, and the dead letters beside it.
pub(crate) async fn counts(connection: &mut AsyncPgConnection) -> db::Result<Vec<Count>> {
    let counts = statement(
        "SELECT kind, state, count(*) AS count,
                greatest(extract(epoch FROM clock_timestamp() - min(run_at)), 0)::float8 AS oldest_seconds
         FROM jobs GROUP BY kind, state
         UNION ALL
         SELECT kind, 'discarded', count(*), 0 FROM jobs_history WHERE outcome = 'discarded' GROUP BY kind
         ORDER BY 1, 2",
    );
    Ok(counts.load(connection).await?)
}

/// What asking a job to end did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and is over.
    Over,
    /// It runs; its worker has been told.
    Asked,
    /// There is none that could end.
    No,
}

/// Asks a job to end; one of `org` alone, if one is given. In a transaction of the
/// caller's, as its last act: the job's lane is locked from here on.
pub(crate) async fn cancel(
    connection: &mut AsyncPgConnection,
    org: Option<OrgId>,
    id: JobId,
) -> db::Result<Cancelled> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Nullable<Text>)]
        lane: Option<String>,
    }
    let lane = statement("SELECT state, lane FROM jobs WHERE id = $1 AND ($2 IS NULL OR org_id = $2)");
    let lane = lane.bind::<SqlUuid, _>(id).bind::<Nullable<SqlUuid>, _>(org);
    let Some(seen) = lane.get_result::<Row>(connection).await.optional()? else { return Ok(Cancelled::No) };
    let lanes: Vec<String> = seen.lane.into_iter().collect();
    super::lanes::lock(connection, &lanes).await?;
    let asked = statement(
        "UPDATE jobs SET cancel_requested_at = clock_timestamp(), progress_seq = progress_seq + 1
         WHERE id = $1 RETURNING state, lane",
    );
    let asked: Option<Row> = asked.bind::<SqlUuid, _>(id).get_result(connection).await.optional()?;
    match asked {
        None => Ok(Cancelled::No),
        Some(row) if row.state == "running" => {
            notify(connection, &id.to_string()).await?;
            Ok(Cancelled::Asked)
        }
        Some(_) => {
            end_waiting(connection, id, &lanes).await?;
            Ok(Cancelled::Over)
        }
    }
}

/// Ends a job that does not run: it is leased to nobody in particular first, because
/// only what is leased ends.
async fn end_waiting(connection: &mut AsyncPgConnection, id: JobId, lanes: &[String]) -> db::Result<()> {
    let lease = Uuid::now_v7();
    let hold = statement(
        "UPDATE jobs SET state = 'running', lease = $2, leased_until = clock_timestamp() WHERE id = $1",
    );
    hold.bind::<SqlUuid, _>(id).bind::<SqlUuid, _>(lease).execute(connection).await?;
    finish_in_lanes(connection, &[Finished { id, lease, ending: Ending::Cancelled, is_kept: true }], lanes)
        .await?;
    Ok(())
}

/// Why a job is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is in the queue.
    Yes,
    /// There is no such job that could be.
    No,
    /// Another with its unique key waits or runs.
    Taken,
}

/// Puts a dead letter or a cancelled job back into the queue, its attempts uncounted;
/// makes one that waits for its next attempt due now.
pub(crate) async fn replay(connection: &mut AsyncPgConnection, id: JobId) -> db::Result<Replayed> {
    let now = statement("UPDATE jobs SET run_at = clock_timestamp() WHERE id = $1 AND state = 'scheduled'");
    let replayed = match now.bind::<SqlUuid, _>(id).execute(connection).await? {
        0 => from_history(connection, id).await?,
        _ => Replayed::Yes,
    };
    if replayed == Replayed::Yes {
        notify(connection, "").await?;
    }
    Ok(replayed)
}

async fn from_history(connection: &mut AsyncPgConnection, id: JobId) -> db::Result<Replayed> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        known: bool,
        #[diesel(sql_type = Bool)]
        back: bool,
    }
    let row: Row = statement(
        "WITH dead AS MATERIALIZED (
             SELECT * FROM jobs_history WHERE id = $1 AND outcome IN ('discarded', 'cancelled')
             ORDER BY finished_at DESC LIMIT 1 FOR UPDATE),
         back AS (
             INSERT INTO jobs (id, org_id, user_id, kind, payload, context, priority, state, max_attempts,
                 unique_key, lane, lane_width, checkpoint, progress, progress_seq, last_error, created_at)
             SELECT id, org_id, user_id, kind, payload, context, priority, 'ready', max_attempts,
                 unique_key, lane, lane_width, checkpoint, progress, progress_seq + 1, last_error, created_at
             FROM dead ON CONFLICT DO NOTHING RETURNING id),
         gone AS (
             DELETE FROM jobs_history h USING back WHERE h.id = back.id RETURNING h.id)
         SELECT EXISTS (SELECT FROM dead) AS known, EXISTS (SELECT FROM gone) AS back",
    )
    .bind::<SqlUuid, _>(id)
    .get_result(connection)
    .await?;
    Ok(match row {
        Row { back: true, .. } => Replayed::Yes,
        Row { known: true, .. } => Replayed::Taken,
        Row { .. } => Replayed::No,
    })
}
