//! All SQL of the relay.

use std::time::Duration;

use contract_events::Envelope;
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Double, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{EventId, OrgId, Timestamp};
use serde_json::Value;
use service_kit::db::{self, statement};
use uuid::Uuid;

use super::cursor::{Cursor, Round, Snapshot};

/// The most events of one push.
pub(super) const BATCH: i64 = 200;

/// The most bytes of the data in one push, of the 256 KiB that a receiver reads.
const BATCH_BYTES: i64 = 160 * 1024;

/// The most rows that one statement settles.
const SETTLED: i64 = 10_000;

/// Who tells a subscriber, as long as its lease lasts.
pub(super) type Lease = Uuid;

/// What there is to tell as of now.
#[derive(Debug, PartialEq, QueryableByName)]
pub(super) struct News {
    /// What is visible now.
    #[diesel(sql_type = Text)]
    pub(super) target: Snapshot,
    /// What is new lies behind this number of the log; `None` when nothing is.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) after: Option<i64>,
}

/// How far a subscriber is behind.
#[derive(Debug, Default, PartialEq, QueryableByName)]
pub(super) struct Lag {
    /// At most: numbers that were drawn and rolled back count, too.
    #[diesel(sql_type = BigInt)]
    pub(super) events: i64,
    /// How long the next of them waits.
    #[diesel(sql_type = Double)]
    pub(super) seconds: f64,
}

/// Makes the subscriber known; a new one is told the whole log.
pub(super) async fn introduce(conn: &mut AsyncPgConnection, name: &str) -> db::Result<()> {
    let query = statement("INSERT INTO event_subscribers (name) VALUES ($1) ON CONFLICT DO NOTHING");
    query.bind::<Text, _>(name).execute(conn).await?;
    Ok(())
}

/// How far a subscriber was told, as the database keeps it.
#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    seen: Snapshot,
    #[diesel(sql_type = Nullable<Text>)]
    target: Option<Snapshot>,
    #[diesel(sql_type = BigInt)]
    after_seq: i64,
}

impl From<Told> for Cursor {
    fn from(Told { seen, target, after_seq }: Told) -> Self {
        Self { seen, round: target.map(|target| Round { target, after: after_seq }) }
    }
}

/// Takes the subscriber, unless somebody else has it; gives how far it was told. A lease
/// that lies further ahead than any is given is of before the database's clock was put
/// back: it would stop the subscriber until the clock comes there again.
pub(super) async fn claim(
    conn: &mut AsyncPgConnection,
    name: &str,
    lease: Lease,
    lasts: Duration,
) -> db::Result<Option<Cursor>> {
    let sql = "
        UPDATE event_subscribers
        SET lease_token = $2, leased_until = clock_timestamp() + make_interval(secs => $3)
        WHERE name = $1 AND (leased_until IS NULL OR leased_until < clock_timestamp()
                             OR leased_until > clock_timestamp() + 2 * make_interval(secs => $3))
        RETURNING seen::text AS seen, target::text AS target, after_seq";
    let query =
        statement(sql).bind::<Text, _>(name).bind::<SqlUuid, _>(lease).bind::<Double, _>(lasts.as_secs_f64());
    Ok(query.get_result::<Told>(conn).await.optional()?.map(Cursor::from))
}

/// Writes how far the subscriber was told, and keeps it for as long again. `false`
/// when the lease is somebody else's by now: then nothing is written.
pub(super) async fn keep(
    conn: &mut AsyncPgConnection,
    name: &str,
    lease: Lease,
    lasts: Duration,
    cursor: &Cursor,
) -> db::Result<bool> {
    let sql = "
        UPDATE event_subscribers
        SET seen = $4::pg_snapshot, target = $5::pg_snapshot, after_seq = $6,
            leased_until = clock_timestamp() + make_interval(secs => $3)
        WHERE name = $1 AND lease_token = $2";
    let query = statement(sql)
        .bind::<Text, _>(name)
        .bind::<SqlUuid, _>(lease)
        .bind::<Double, _>(lasts.as_secs_f64())
        .bind::<Text, _>(&cursor.seen)
        .bind::<Nullable<Text>, _>(cursor.target())
        .bind::<BigInt, _>(cursor.after());
    Ok(query.execute(conn).await? == 1)
}

/// Gives the subscriber up, so that the next relay need not wait for the lease's end.
pub(super) async fn release(conn: &mut AsyncPgConnection, name: &str, lease: Lease) -> db::Result<()> {
    let sql = "UPDATE event_subscribers SET lease_token = NULL, leased_until = NULL
               WHERE name = $1 AND lease_token = $2";
    statement(sql).bind::<Text, _>(name).bind::<SqlUuid, _>(lease).execute(conn).await?;
    Ok(())
}

/// Notes for operators why the subscriber cannot be told, or that it can be again.
pub(super) async fn note(
    conn: &mut AsyncPgConnection,
    name: &str,
    lease: Lease,
    failure: Option<&str>,
) -> db::Result<()> {
    let sql = "UPDATE event_subscribers SET last_error = $3,
                   failing_since = CASE WHEN $3 IS NOT NULL THEN coalesce(failing_since, clock_timestamp()) END
               WHERE name = $1 AND lease_token = $2";
    let query = statement(sql).bind::<Text, _>(name).bind::<SqlUuid, _>(lease);
    query.bind::<Nullable<Text>, _>(failure).execute(conn).await?;
    Ok(())
}

/// What is visible now and was not in `seen`: a few looks into an index, however much it
/// is and however long the log.
///
/// A row is new if its transaction ran when `seen` was taken (`late`), or began after. One
/// that began after draws its numbers after everything visible in `seen` had its own: so
/// its rows lie behind any of those, and the one of the latest transaction is found at
/// once. `ORDER BY … LIMIT 1` keeps the planner on the index; for an `EXISTS` it may read
/// the table.
pub(super) async fn news(conn: &mut AsyncPgConnection, seen: &Snapshot) -> db::Result<News> {
    let sql = "
        WITH late AS (
            SELECT first.seq
            FROM pg_snapshot_xip($1::pg_snapshot) AS running,
                 LATERAL (SELECT seq FROM events WHERE xid = running ORDER BY seq LIMIT 1) AS first
        )
        SELECT pg_current_snapshot()::text AS target,
               CASE WHEN EXISTS (SELECT FROM late)
                      OR (SELECT true FROM events WHERE xid >= pg_snapshot_xmax($1::pg_snapshot)
                          ORDER BY xid LIMIT 1)
                    THEN coalesce(least((SELECT min(seq) - 1 FROM late), (
                        SELECT seq FROM events
                        WHERE xid < pg_snapshot_xmax($1::pg_snapshot)
                          AND pg_visible_in_snapshot(xid, $1::pg_snapshot)
                        ORDER BY xid DESC, seq DESC LIMIT 1
                    )), 0) END AS after";
    Ok(statement(sql).bind::<Text, _>(seen).get_result(conn).await?)
}

/// How far it is from `after` to the end of the log.
pub(super) async fn lag(conn: &mut AsyncPgConnection, after: i64) -> db::Result<Lag> {
    let sql = "
        SELECT greatest(coalesce((SELECT max(seq) FROM events), 0) - $1, 0) AS events,
               coalesce(extract(epoch FROM clock_timestamp() - (
                   SELECT occurred_at FROM events WHERE seq > $1 ORDER BY seq LIMIT 1
               )), 0)::double precision AS seconds";
    Ok(statement(sql).bind::<BigInt, _>(after).get_result(conn).await?)
}

/// One event of the log.
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = SqlUuid)]
    id: EventId,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    org_id: Option<OrgId>,
    #[diesel(sql_type = Text)]
    aggregate: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Jsonb)]
    data: Value,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: Timestamp,
    #[diesel(sql_type = Bool)]
    fits: bool,
}

/// The next events of a round, in order.
#[derive(Debug, Default)]
pub(super) struct Next {
    pub(super) events: Vec<Envelope>,
    /// The last one's number in the log.
    pub(super) last: i64,
    /// Whether the round ends with them.
    pub(super) is_end: bool,
}

/// What comes next in the round: as much of it as one push holds.
pub(super) async fn next(conn: &mut AsyncPgConnection, cursor: &Cursor) -> db::Result<Next> {
    let sql = "
        SELECT seq, id, type AS kind, org_id, aggregate, version, data, occurred_at,
               sum(octet_length(data::text)) OVER (ORDER BY seq) <= $5 AS fits
        FROM (
            SELECT * FROM events
            WHERE seq > $3 AND NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
              AND pg_visible_in_snapshot(xid, $2::pg_snapshot)
            ORDER BY seq LIMIT $4
        ) AS next
        ORDER BY seq";
    let query = statement(sql)
        .bind::<Text, _>(&cursor.seen)
        .bind::<Nullable<Text>, _>(cursor.target())
        .bind::<BigInt, _>(cursor.after())
        .bind::<BigInt, _>(BATCH)
        .bind::<BigInt, _>(BATCH_BYTES);
    let mut rows: Vec<Row> = query.load(conn).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= BATCH);
    // One at least, or nothing would ever go on.
    let fitting = rows.iter().take_while(|row| row.fits).count().max(rows.len().min(1));
    let is_end = !is_full && fitting == rows.len();
    rows.truncate(fitting);
    let last = rows.last().map_or(cursor.after(), |row| row.seq);
    Ok(Next { events: rows.into_iter().map(Envelope::from).collect(), last, is_end })
}

impl From<Row> for Envelope {
    fn from(row: Row) -> Self {
        let Row { seq: _, id, kind, org_id, aggregate, version, data, occurred_at, fits: _ } = row;
        Self { id, kind, org_id, aggregate, version, occurred_at, data }
    }
}

/// Whether the log was moved here from another cluster, whose transactions count from
/// higher on: `seen` is ahead of this one's, or some rows are.
pub(super) async fn came_from_elsewhere(conn: &mut AsyncPgConnection, seen: &Snapshot) -> db::Result<bool> {
    let is_ahead = "
        SELECT FROM pg_snapshot_xmax(pg_current_snapshot()) AS next
        WHERE pg_snapshot_xmax($1::pg_snapshot) > next
           OR (SELECT xid FROM events ORDER BY xid DESC LIMIT 1) >= next";
    Ok(statement(is_ahead).bind::<Text, _>(seen).execute(conn).await? == 1)
}

/// Has every subscriber told the whole log again, of which receivers know what they took.
/// Before rows are settled: to a cursor of before, they would look as if they had been told.
pub(super) async fn start_over(conn: &mut AsyncPgConnection) -> db::Result<()> {
    let sql = "UPDATE event_subscribers SET seen = '1:1:', target = NULL, after_seq = 0";
    statement(sql).execute(conn).await?;
    Ok(())
}

/// Makes some of the rows that came along visible to all; gives how many.
pub(super) async fn settle(conn: &mut AsyncPgConnection) -> db::Result<usize> {
    let sql = "
        UPDATE events SET xid = '1'
        WHERE seq IN (
            SELECT seq FROM events WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
            ORDER BY xid LIMIT $1
        )";
    Ok(statement(sql).bind::<BigInt, _>(SETTLED).execute(conn).await?)
}
