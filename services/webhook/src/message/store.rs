//! All SQL of messages: each query names the organisation they belong to.

use contract_webhook::{
    Attempt, AttemptId, Delivery, DeliveryState, EndpointId, Message, MessageId, MessageSummary,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use service_kit::{db::statement, page::Page};

use super::MessageError;

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

/// Adds a message and gives it an id; none, if its sender's id is taken.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    (event_type, event_id): (&str, Option<&str>),
    body: &str,
    now: Timestamp,
) -> Result<Option<Row>, MessageError> {
    let sql = "
        WITH taken AS (
            INSERT INTO message_event_ids (org_id, event_id, message_id) SELECT $1, $4, $2 WHERE $4 IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING message_id
        )
        INSERT INTO messages (org_id, id, event_type, event_id, body, created_at)
        SELECT $1, $2, $3, $4, $5, $6 WHERE $4 IS NULL OR EXISTS (SELECT FROM taken)
        RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(MessageId::generate())
        .bind::<Text, _>(event_type)
        .bind::<Nullable<Text>, _>(event_id)
        .bind::<Text, _>(body)
        .bind::<Timestamptz, _>(now);
    Ok(query.get_result(conn).await.optional()?)
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
        let state = match &*state {
            "pending" => DeliveryState::Pending,
            "delivered" => DeliveryState::Delivered,
            "failed" => DeliveryState::Failed,
            "skipped" => DeliveryState::Skipped,
            _ => return Err(MessageError::Broken),
        };
        Ok(Delivery { endpoint_id, state, attempts, next_attempt_at })
    };
    query.load::<Row>(conn).await?.into_iter().map(delivery).collect()
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
