//! All SQL of messages: each query names the organisation they belong to.

use contract_webhook::{
    Attempt, AttemptId, Delivery, DeliveryState, EndpointId, Message, MessageId, MessageSummary,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::{db::statement, page::Page};

use super::MessageError;
use crate::{delivery::Candidate, event_type::TypeId};

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: MessageId,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = Nullable<Text>)]
    event_id: Option<String>,
    #[diesel(sql_type = Text)]
    pub(super) body: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl Row {
    /// A message that is new, with an id.
    pub(super) fn new(event_type: &str, event_id: Option<&str>, body: String, created_at: Timestamp) -> Self {
        let (event_type, event_id) = (event_type.to_owned(), event_id.map(str::to_owned));
        Self { id: MessageId::generate(), event_type, event_id, body, created_at }
    }

    pub(super) fn with(self, deliveries: Vec<Delivery>) -> Message {
        let Self { id, event_type, event_id, created_at, .. } = self;
        Message { id, event_type, event_id, created_at, deliveries }
    }
}

impl From<Row> for MessageSummary {
    fn from(row: Row) -> Self {
        let Row { id, event_type, event_id, created_at, .. } = row;
        Self { id, event_type, event_id, created_at }
    }
}

/// A page of messages, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> Result<Vec<MessageSummary>, MessageError> {
    // Without the bodies, which may be large.
    let sql = "SELECT id, event_type, event_id, '' AS body, created_at FROM messages
               WHERE org_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    Ok(query.load::<Row>(conn).await?.into_iter().map(MessageSummary::from).collect())
}

/// A message that was accepted.
pub(super) struct Accepted {
    /// The endpoints that may get it, by their ids.
    pub(super) candidates: Vec<Candidate>,
    /// Its type, if that has a schema, and the version of that.
    pub(super) enforced: Option<(TypeId, i64)>,
}

/// An endpoint that may get a message, or none.
#[derive(QueryableByName)]
struct Offer {
    #[diesel(sql_type = Bool)]
    accepted: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    type_id: Option<TypeId>,
    #[diesel(sql_type = Nullable<BigInt>)]
    type_version: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    id: Option<EndpointId>,
    #[diesel(sql_type = Nullable<Bool>)]
    ordered: Option<bool>,
    #[diesel(sql_type = Nullable<BigInt>)]
    revision: Option<i64>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    filter: Option<Value>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_failing: Option<bool>,
    #[diesel(sql_type = Nullable<Bool>)]
    is_polled: Option<bool>,
}

impl Offer {
    fn candidate(self) -> Option<Candidate> {
        Some(Candidate {
            id: self.id?,
            ordered: self.ordered?,
            revision: self.revision?,
            filter: self.filter,
            is_failing: self.is_failing?,
            is_polled: self.is_polled?,
        })
    }
}

/// Adds a message, and a delivery to each endpoint that is on, gets its type and has no filter; none, if
/// its sender's id is taken. Gives these endpoints, and those that have one. Whether it fits its type's
/// schema is still to be seen.
pub(super) async fn accept(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    new: &Row,
) -> Result<Option<Accepted>, MessageError> {
    let sql = "
        WITH taken AS (
            INSERT INTO message_event_ids (org_id, event_id, message_id) SELECT $1, $4, $2 WHERE $4 IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING message_id
        ), message AS (
            INSERT INTO messages (org_id, id, event_type, event_id, body, created_at)
            SELECT $1, $2, $3, $4, $5, $6 WHERE $4 IS NULL OR EXISTS (SELECT FROM taken)
            RETURNING id
        ), matching AS MATERIALIZED (
            SELECT id, ordered, revision, filter, failing_since IS NOT NULL AS is_failing, kind = 'poll' AS is_polled
            FROM endpoints
            WHERE org_id = $1 AND enabled AND (event_types = '{}' OR $3 = ANY (event_types))
                AND EXISTS (SELECT FROM message)
        ), inserted AS (
            INSERT INTO deliveries (org_id, message_id, endpoint_id, xid)
            SELECT $1, $2, id, CASE WHEN is_polled THEN pg_current_xact_id() END FROM matching WHERE filter IS NULL
        )
        SELECT EXISTS (SELECT FROM message) AS accepted, t.type_id, t.type_version, m.*
        FROM (VALUES (1)) one
        LEFT JOIN (
            SELECT id AS type_id, version AS type_version FROM event_types
            WHERE org_id = $1 AND name = $3 AND schema IS NOT NULL
        ) t ON true
        LEFT JOIN matching m ON true
        ORDER BY m.id";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(new.id)
        .bind::<Text, _>(&new.event_type)
        .bind::<Nullable<Text>, _>(&new.event_id)
        .bind::<Text, _>(&new.body)
        .bind::<Timestamptz, _>(new.created_at);
    let rows: Vec<Offer> = query.load(conn).await?;
    let Some((first, _)) = rows.split_first().filter(|(row, _)| row.accepted) else { return Ok(None) };
    let enforced = first.type_id.zip(first.type_version);
    Ok(Some(Accepted { enforced, candidates: rows.into_iter().filter_map(Offer::candidate).collect() }))
}

/// The message with this id of its sender's.
pub(super) async fn find_by_event_id(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    event_id: &str,
) -> Result<Row, MessageError> {
    let sql = "SELECT * FROM messages WHERE org_id = $1
               AND id = (SELECT message_id FROM message_event_ids WHERE org_id = $1 AND event_id = $2)";
    let query = statement(sql);
    let found = query.bind::<SqlUuid, _>(org).bind::<Text, _>(event_id).get_result(conn).await.optional()?;
    found.ok_or(MessageError::Unknown)
}

/// The message of this id.
pub(super) async fn find(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: MessageId,
) -> Result<Row, MessageError> {
    let query = statement("SELECT * FROM messages WHERE org_id = $1 AND id = $2");
    let found = query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).get_result(conn).await.optional()?;
    found.ok_or(MessageError::Unknown)
}

/// Where a message goes, in the order of the endpoints.
pub(super) async fn deliveries(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: MessageId,
) -> Result<Vec<Delivery>, MessageError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        endpoint_id: EndpointId,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Integer)]
        attempts: i32,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        next_attempt_at: Option<Timestamp>,
    }
    let sql = "SELECT endpoint_id, state, attempts, next_attempt_at FROM deliveries
               WHERE org_id = $1 AND message_id = $2 ORDER BY endpoint_id";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id);
    let delivery = |Row { endpoint_id, state, attempts, next_attempt_at }| {
        Ok(Delivery { endpoint_id, state: state_of(&state)?, attempts, next_attempt_at })
    };
    query.load::<Row>(conn).await?.into_iter().map(delivery).collect()
}

/// The state of a delivery, as it is stored.
pub(crate) fn state_of(text: &str) -> Result<DeliveryState, MessageError> {
    match text {
        "pending" => Ok(DeliveryState::Pending),
        "delivered" => Ok(DeliveryState::Delivered),
        "failed" => Ok(DeliveryState::Failed),
        "skipped" => Ok(DeliveryState::Skipped),
        _ => Err(MessageError::Broken),
    }
}

/// A page of the times that a message was sent, oldest first, and one more if there is more.
pub(super) async fn attempts(
    conn: &mut AsyncPgConnection,
    (org, id): (OrgId, MessageId),
    page: Page,
) -> Result<Vec<Attempt>, MessageError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: AttemptId,
        #[diesel(sql_type = SqlUuid)]
        endpoint_id: EndpointId,
        #[diesel(sql_type = Nullable<Integer>)]
        status: Option<i32>,
        #[diesel(sql_type = Nullable<Text>)]
        error: Option<String>,
        #[diesel(sql_type = Text)]
        response: String,
        #[diesel(sql_type = BigInt)]
        duration_ms: i64,
        #[diesel(sql_type = Timestamptz)]
        created_at: Timestamp,
    }
    let sql = "SELECT * FROM attempts
               WHERE org_id = $1 AND message_id = $2 AND ($3 IS NULL OR id > $3) ORDER BY id LIMIT $4";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    let attempt = |row: Row| {
        let Row { id, endpoint_id, status, error, response, duration_ms, created_at } = row;
        Attempt { id, endpoint_id, status, error, response, duration_ms, created_at }
    };
    Ok(query.load::<Row>(conn).await?.into_iter().map(attempt).collect())
}
