//! All SQL of deliveries: each query names the organisation they belong to.

mod missed;

use std::time::Duration;

use contract_webhook::{AttemptId, EndpointId, EndpointStats, MessageId};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{
        Array, BigInt, Binary, Bool, Double, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
    },
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::db::statement;

use crate::{message::MessageError, sending::Outcome};

pub(super) use missed::{Missed, NeverSent, begin_again, insert_for, missed, never_sent};

/// How long an endpoint may fail, days, before it is put off.
const PATIENCE: i32 = 5;

/// Where a message goes, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) org: OrgId,
    pub(super) message: MessageId,
    pub(super) endpoint: EndpointId,
}

/// An endpoint that a message goes to.
#[derive(QueryableByName)]
pub(super) struct Matching {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: EndpointId,
    #[diesel(sql_type = Bool)]
    pub(super) ordered: bool,
}

/// Whether an endpoint is on and gets this type.
pub(crate) async fn is_wanted(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    event_type: &str,
) -> Result<bool, MessageError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let sql = "SELECT EXISTS (
                   SELECT FROM endpoints
                   WHERE org_id = $1 AND enabled AND (event_types = '{}' OR $2 = ANY (event_types))
               ) AS found";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<Text, _>(event_type);
    Ok(query.get_result::<Found>(conn).await?.found)
}

/// An endpoint that gets a message if that fits its filter, should there be one.
#[derive(QueryableByName)]
pub(super) struct Candidate {
    #[diesel(embed)]
    pub(super) matching: Matching,
    #[diesel(sql_type = BigInt)]
    pub(super) revision: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(super) filter: Option<Value>,
}

/// Adds a delivery to each endpoint that is on, gets this type and has no filter. Gives these and those
/// that have one.
pub(super) async fn insert_all(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    event_type: &str,
) -> Result<Vec<Candidate>, MessageError> {
    let sql = "
        WITH matching AS (
            SELECT id, ordered, revision, filter FROM endpoints
            WHERE org_id = $1 AND enabled AND (event_types = '{}' OR $3 = ANY (event_types))
        ), inserted AS (
            INSERT INTO deliveries (org_id, message_id, endpoint_id)
            SELECT $1, $2, id FROM matching WHERE filter IS NULL
        )
        SELECT id, ordered, revision, filter FROM matching ORDER BY id";
    let query =
        statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(message).bind::<Text, _>(event_type);
    Ok(query.load(conn).await?)
}

/// Adds a delivery to each of these endpoints.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    endpoints: &[EndpointId],
) -> Result<(), MessageError> {
    let sql = "INSERT INTO deliveries (org_id, message_id, endpoint_id) SELECT $1, $2, unnest($3)";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(message)
        .bind::<Array<SqlUuid>, _>(endpoints);
    query.execute(conn).await?;
    Ok(())
}

/// The endpoints that are on and that a message went to; or the one that is named, whether it did or
/// not: it goes there from now on, as what is sent by hand alone.
pub(super) async fn again(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    endpoint: Option<EndpointId>,
) -> Result<Vec<Matching>, MessageError> {
    let sql = "
        WITH named AS (
            INSERT INTO deliveries (org_id, message_id, endpoint_id, state)
            SELECT org_id, $2, id, 'skipped' FROM endpoints WHERE org_id = $1 AND id = $3 AND enabled
            ON CONFLICT DO NOTHING
        )
        SELECT e.id, e.ordered FROM endpoints e
        WHERE e.org_id = $1 AND e.enabled AND (e.id = $3 OR ($3 IS NULL AND EXISTS (
            SELECT FROM deliveries d WHERE d.org_id = $1 AND d.message_id = $2 AND d.endpoint_id = e.id)))
        ORDER BY e.id";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(message)
        .bind::<Nullable<SqlUuid>, _>(endpoint);
    Ok(query.load(conn).await?)
}

/// A delivery that is to be tried.
#[derive(QueryableByName)]
pub(super) struct Due {
    #[diesel(sql_type = Text)]
    pub(super) url: String,
    /// The endpoint's own, sealed.
    #[diesel(sql_type = Nullable<Binary>)]
    pub(super) headers: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(super) posthog: Option<Value>,
    #[diesel(sql_type = Text)]
    pub(super) body: String,
    #[diesel(sql_type = Bool)]
    pub(super) enabled: bool,
    #[diesel(sql_type = Integer)]
    pub(super) attempts: i32,
    /// When it is its turn, seconds from now: the endpoint's rate says so.
    #[diesel(sql_type = Double)]
    pub(super) turn: f64,
}

/// What is to be sent where; none, if that is no longer so, or `by_hand` if it is gone. Takes the endpoint's next turn, which are
/// as far apart as its rate says, over all processes.
pub(super) async fn take_turn(
    conn: &mut AsyncPgConnection,
    way: Way,
    by_hand: bool,
) -> Result<Option<Due>, MessageError> {
    let sql = "
        WITH due AS (
            SELECT e.id, e.url, e.headers, e.kind, e.posthog, m.body, e.enabled, e.rate_limit, d.attempts
            FROM deliveries d
            JOIN messages m ON m.org_id = d.org_id AND m.id = d.message_id
            JOIN endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
            WHERE d.org_id = $1 AND d.message_id = $2 AND d.endpoint_id = $3
                AND ($4 OR d.state = 'pending')
        ), turn AS (
            UPDATE endpoint_turns t
            SET next_at = greatest(t.next_at, clock_timestamp()) + make_interval(secs => 1.0 / due.rate_limit)
            FROM due WHERE t.org_id = $1 AND t.endpoint_id = due.id AND due.enabled
            RETURNING extract(epoch FROM t.next_at - clock_timestamp()) - 1.0 / due.rate_limit AS turn
        )
        SELECT url, headers, kind, posthog, body, enabled, attempts, coalesce((SELECT turn FROM turn), 0)::double precision AS turn
        FROM due";
    let query = statement(sql)
        .bind::<SqlUuid, _>(way.org)
        .bind::<SqlUuid, _>(way.message)
        .bind::<SqlUuid, _>(way.endpoint)
        .bind::<Bool, _>(by_hand);
    Ok(query.get_result(conn).await.optional()?)
}

/// What a delivery is after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It ended in this state.
    Ended(&'static str),
    /// It is sent again, after that.
    Again(Duration),
    /// As it was: what was sent by hand and failed changes nothing.
    Unchanged,
}

/// Notes an attempt, and what the delivery is after it. Gives how many events there are of the endpoint
/// if nothing was delivered to it for too long: then it is put off.
pub(super) async fn note(
    conn: &mut AsyncPgConnection,
    way: Way,
    outcome: &Outcome,
    after: After,
    now: Timestamp,
) -> Result<Option<i64>, MessageError> {
    let (state, wait, counts) = match after {
        After::Ended(state) => (Some(state), None, true),
        After::Again(wait) => (Some("pending"), Some(wait.as_secs_f64()), true),
        After::Unchanged => (None, None, false),
    };
    let sql = "
        WITH attempt AS (
            INSERT INTO attempts
                (org_id, message_id, endpoint_id, id, status, error, response, duration_ms, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ), health AS (
            UPDATE endpoints SET failing_since = CASE WHEN $13 THEN NULL ELSE now() END
            WHERE org_id = $1 AND id = $3 AND (failing_since IS NOT NULL) = $13
        ), failing AS (
            UPDATE endpoints
            SET enabled = false, disabled_reason = 'failing', events = events + 1, updated_at = $9
            WHERE org_id = $1 AND id = $3 AND enabled AND NOT $13
                AND failing_since < now() - make_interval(days => $14)
            RETURNING events
        ), delivery AS (
            UPDATE deliveries
            SET state = $10, attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $11)
            WHERE org_id = $1 AND message_id = $2 AND endpoint_id = $3 AND $12
        )
        SELECT events FROM failing";
    let query = statement(sql)
        .bind::<SqlUuid, _>(way.org)
        .bind::<SqlUuid, _>(way.message)
        .bind::<SqlUuid, _>(way.endpoint)
        .bind::<SqlUuid, _>(AttemptId::generate())
        .bind::<Nullable<Integer>, _>(outcome.status)
        .bind::<Nullable<Text>, _>(outcome.error)
        .bind::<Text, _>(&outcome.response)
        .bind::<BigInt, _>(outcome.duration_ms)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Text>, _>(state)
        .bind::<Nullable<Double>, _>(wait)
        .bind::<Bool, _>(counts)
        .bind::<Bool, _>(outcome.is_delivered())
        .bind::<Integer, _>(PATIENCE);
    Ok(query.get_result::<Events>(conn).await.optional()?.map(|one| one.events))
}

/// How many events were published of an endpoint.
#[derive(QueryableByName)]
struct Events {
    #[diesel(sql_type = BigInt)]
    events: i64,
}

/// How an endpoint did with what was accepted since then.
pub(crate) async fn stats(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    since: Timestamp,
) -> Result<EndpointStats, MessageError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = BigInt)]
        count: i64,
        #[diesel(sql_type = BigInt)]
        attempts: i64,
    }
    let sql = "
        SELECT state, count(*) AS count, sum(attempts)::bigint AS attempts FROM deliveries
        WHERE org_id = $1 AND endpoint_id = $2 AND message_id >= message_id_at($3)
        GROUP BY state";
    let query =
        statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(endpoint).bind::<Timestamptz, _>(since);
    let rows: Vec<Row> = query.load(conn).await?;
    let of = |state: &str| rows.iter().find(|row| row.state == state).map_or(0, |row| row.count);
    Ok(EndpointStats {
        since,
        delivered: of("delivered"),
        pending: of("pending"),
        failed: of("failed"),
        skipped: of("skipped"),
        attempts: rows.iter().map(|row| row.attempts).sum(),
    })
}

/// Ends a delivery that was not tried, or not again.
pub(super) async fn skip(conn: &mut AsyncPgConnection, way: Way) -> Result<(), MessageError> {
    let sql = "UPDATE deliveries SET state = 'skipped', next_attempt_at = NULL
               WHERE org_id = $1 AND message_id = $2 AND endpoint_id = $3 AND state = 'pending'";
    let query = statement(sql)
        .bind::<SqlUuid, _>(way.org)
        .bind::<SqlUuid, _>(way.message)
        .bind::<SqlUuid, _>(way.endpoint);
    query.execute(conn).await?;
    Ok(())
}

/// Puts an endpoint off that says itself that it is gone; gives how many events there are of it, if it was on.
pub(super) async fn put_off(
    conn: &mut AsyncPgConnection,
    way: Way,
    now: Timestamp,
) -> Result<Option<i64>, MessageError> {
    let sql = "UPDATE endpoints
               SET enabled = false, disabled_reason = 'gone', events = events + 1, updated_at = $3
               WHERE org_id = $1 AND id = $2 AND enabled
               RETURNING events";
    let query = statement(sql)
        .bind::<SqlUuid, _>(way.org)
        .bind::<SqlUuid, _>(way.endpoint)
        .bind::<Timestamptz, _>(now);
    Ok(query.get_result::<Events>(conn).await.optional()?.map(|one| one.events))
}
