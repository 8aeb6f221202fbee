//! Lanes: which jobs may run beside which. Whoever takes from a lane, or ends one of its
//! jobs, holds the lane's advisory lock until the commit. Enqueueing does not, so
//! business transactions never wait for each other here.

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::JobId;
use service_kit::db::{self, statement};

use super::Reach;
use crate::lane::{Occupancy, Waiting, choose as rule};

/// A job that is ready in a lane; the transaction has its row locked.
#[derive(Debug, QueryableByName)]
pub(super) struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    id: JobId,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Nullable<SmallInt>)]
    lane_width: Option<i16>,
    #[diesel(sql_type = BigInt)]
    ord: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) position: i64,
    /// Whether the transaction has the lane's lock.
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// What becomes of candidates.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) taken: Vec<JobId>,
    pub(super) parked: Vec<JobId>,
    /// The lanes, of those whose locks the transaction holds, in which jobs are parked.
    pub(super) crowded: Vec<String>,
    /// The first position that was left as it is, because somebody else is at its lane.
    pub(super) left_from: Option<i64>,
}

/// The first jobs that are ready in lanes. Locks those lanes that nobody else has locked.
pub(super) async fn candidates(
    connection: &mut AsyncPgConnection,
    reach: &Reach<'_>,
) -> db::Result<Vec<Candidate>> {
    let ready = statement(
        "WITH ready AS MATERIALIZED (
             SELECT id, lane, lane_width, ord, position FROM jobs
             WHERE state = 'ready' AND lane IS NOT NULL AND priority = $1 AND position > $2 AND position <= $5 AND kind = ANY($3)
             ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED),
         lanes AS MATERIALIZED (
             SELECT lane, pg_try_advisory_xact_lock(hashtextextended('jobs/' || lane, 0)) AS locked
             FROM (SELECT DISTINCT lane FROM ready) l)
         SELECT ready.*, lanes.locked FROM ready JOIN lanes USING (lane) ORDER BY position",
    );
    let ready = ready
        .bind::<SmallInt, _>(reach.priority.number())
        .bind::<BigInt, _>(reach.after)
        .bind::<Array<Text>, _>(reach.kinds)
        .bind::<BigInt, _>(reach.limit)
        .bind::<BigInt, _>(reach.up_to);
    Ok(ready.load(connection).await?)
}

/// Decides lane by lane; lanes that another worker is busy with stay as they are.
pub(super) async fn choose(
    connection: &mut AsyncPgConnection,
    candidates: Vec<Candidate>,
) -> db::Result<Choice> {
    let mut by_lane: HashMap<String, Vec<Candidate>> = HashMap::new();
    for candidate in candidates {
        by_lane.entry(candidate.lane.clone()).or_default().push(candidate);
    }
    let is_locked = |waiting: &Vec<Candidate>| waiting.iter().any(|one| one.locked);
    let locked: Vec<String> =
        by_lane.iter().filter(|(_, waiting)| is_locked(waiting)).map(|(lane, _)| lane.clone()).collect();
    let occupied = occupancy(connection, &locked).await?;
    let mut choice = Choice::default();
    for lane in locked {
        let waiting = by_lane.remove(&lane).unwrap_or_default();
        let width = waiting.iter().find_map(|candidate| candidate.lane_width);
        let waiting = waiting.iter().map(|one| Waiting { id: one.id, ord: one.ord }).collect();
        let occupancy = occupied.get(&lane).copied().unwrap_or_default();
        let (taken, parked) = rule(width, occupancy, waiting);
        if occupancy.parked || !parked.is_empty() {
            choice.crowded.push(lane);
        }
        choice.taken.extend(taken);
        choice.parked.extend(parked);
    }
    choice.left_from = by_lane.into_values().flatten().map(|left| left.position).min();
    Ok(choice)
}

/// Waits for the locks of these lanes, always in the same order. What follows goes by the indexes.
pub(crate) async fn lock(connection: &mut AsyncPgConnection, lanes: &[String]) -> db::Result<()> {
    if lanes.is_empty() {
        return Ok(());
    }
    let locked = statement(
        "SELECT set_config('enable_seqscan', 'off', true), count(pg_advisory_xact_lock(key)) FROM (
             SELECT DISTINCT hashtextextended('jobs/' || lane, 0) AS key FROM unnest($1) AS lane ORDER BY 1) keys",
    );
    locked.bind::<Array<Text>, _>(lanes).execute(connection).await?;
    Ok(())
}

/// Whatever is asked for is the first by `ord`, so that PostgreSQL goes by the index: where one lane has nearly all
/// jobs, it would rather go through the table until it finds one, and in the other lanes finds none.
async fn occupancy(
    connection: &mut AsyncPgConnection,
    lanes: &[String],
) -> db::Result<HashMap<String, Occupancy>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        lane: String,
        #[diesel(sql_type = BigInt)]
        running: i64,
        #[diesel(sql_type = Nullable<BigInt>)]
        first: Option<i64>,
        #[diesel(sql_type = Bool)]
        parked: bool,
    }
    let rows = statement(
        "SELECT lane,
                (SELECT count(*) FROM jobs j WHERE j.lane = l.lane AND state = 'running') AS running,
                (SELECT min(ord) FROM unnest(ARRAY['ready', 'scheduled', 'parked', 'running']) AS s(state), LATERAL (
                     SELECT ord FROM jobs j WHERE j.lane = l.lane AND j.state = s.state ORDER BY ord LIMIT 1) o
                ) AS first,
                (SELECT ord FROM jobs j WHERE j.lane = l.lane AND state = 'parked' ORDER BY ord LIMIT 1) IS NOT NULL
                AS parked
         FROM unnest($1) AS l(lane)",
    );
    let rows: Vec<Row> = rows.bind::<Array<Text>, _>(lanes).load(connection).await?;
    let occupancy = |row: &Row| Occupancy { running: row.running, first: row.first, parked: row.parked };
    Ok(rows.into_iter().map(|row| (row.lane.clone(), occupancy(&row))).collect())
}

/// Puts jobs aside until their lane has room.
pub(super) async fn park(connection: &mut AsyncPgConnection, ids: &[JobId]) -> db::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let park = statement("UPDATE jobs SET state = 'parked' WHERE id = ANY($1) AND state = 'ready'");
    park.bind::<Array<SqlUuid>, _>(ids).execute(connection).await?;
    Ok(())
}

/// Brings back as many of each lane as it has room for, the first ones first. The
/// transaction holds the lanes' locks.
///
/// In an ordered lane a job that waits for its next attempt takes the one place; in a
/// limited one it takes none.
pub(crate) async fn release(connection: &mut AsyncPgConnection, lanes: &[String]) -> db::Result<()> {
    if lanes.is_empty() {
        return Ok(());
    }
    let release = statement(
        "WITH room AS (
             SELECT l.lane, first.width - (
                 SELECT count(*) FROM (
                     (SELECT 1 FROM jobs j WHERE j.lane = l.lane AND state = 'running' ORDER BY ord LIMIT first.width)
                     UNION ALL
                     (SELECT 1 FROM jobs j WHERE j.lane = l.lane AND state = 'ready' ORDER BY ord LIMIT first.width)
                     UNION ALL
                     (SELECT 1 FROM jobs j WHERE j.lane = l.lane AND state = 'scheduled' AND lane_width IS NULL
                      ORDER BY ord LIMIT 1)
                 ) taken) AS free
             FROM (SELECT DISTINCT lane FROM unnest($1) AS lane) l, LATERAL (
                 SELECT coalesce(lane_width, 1) AS width FROM jobs j WHERE j.lane = l.lane AND state = 'parked'
                 ORDER BY ord LIMIT 1) first),
         next AS (
             SELECT p.id FROM room, LATERAL (
                 SELECT id FROM jobs j WHERE j.lane = room.lane AND state = 'parked'
                 ORDER BY ord LIMIT greatest(room.free, 0)) p)
         UPDATE jobs SET state = 'ready', position = nextval('jobs_position')
         WHERE id = ANY(ARRAY(SELECT id FROM next)) AND state = 'parked'",
    );
    release.bind::<Array<Text>, _>(lanes).execute(connection).await?;
    Ok(())
}
