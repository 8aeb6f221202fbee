//! What an endpoint missed: what failed or was skipped, and what never went there.

use contract_webhook::{EndpointId, MessageId};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::db::statement;

use crate::message::MessageError;

/// A message that an endpoint did not get.
#[derive(QueryableByName)]
pub(in crate::delivery) struct Missed {
    #[diesel(sql_type = SqlUuid)]
    pub(in crate::delivery) message: MessageId,
    #[diesel(sql_type = Bool)]
    pub(in crate::delivery) ordered: bool,
}

/// What an endpoint that is on did not get of what was accepted in a time, after `last`.
pub(in crate::delivery) async fn missed(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    (since, until): (Timestamp, Timestamp),
    last: Option<MessageId>,
    most: i64,
) -> Result<Vec<Missed>, MessageError> {
    let sql = "
        SELECT d.message_id AS message, e.ordered
        FROM deliveries d
        JOIN messages m ON m.id = d.message_id
        JOIN endpoints e ON e.id = d.endpoint_id
        WHERE d.org_id = $1 AND d.endpoint_id = $2 AND e.enabled AND d.state IN ('failed', 'skipped')
            AND m.created_at BETWEEN $3 AND $4 AND ($5 IS NULL OR d.message_id > $5)
        ORDER BY d.message_id LIMIT $6";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<Timestamptz, _>(since)
        .bind::<Timestamptz, _>(until)
        .bind::<Nullable<SqlUuid>, _>(last)
        .bind::<BigInt, _>(most);
    Ok(query.load(conn).await?)
}

/// A message whose delivery begins.
#[derive(QueryableByName)]
struct Begun {
    #[diesel(sql_type = SqlUuid)]
    message_id: MessageId,
}

/// Has deliveries begin anew, with all attempts; which of them did.
pub(in crate::delivery) async fn begin_again(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    missed: &[Missed],
) -> Result<Vec<MessageId>, MessageError> {
    let sql = "UPDATE deliveries SET state = 'pending', attempts = 0, next_attempt_at = NULL
               WHERE org_id = $1 AND endpoint_id = $2 AND message_id = ANY ($3)
                   AND state IN ('failed', 'skipped')
               RETURNING message_id";
    let ids: Vec<MessageId> = missed.iter().map(|one| one.message).collect();
    let query =
        statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(endpoint).bind::<Array<SqlUuid>, _>(ids);
    Ok(query.load::<Begun>(conn).await?.into_iter().map(|begun| begun.message_id).collect())
}

/// A message that never went to an endpoint.
#[derive(QueryableByName)]
pub(in crate::delivery) struct NeverSent {
    #[diesel(sql_type = SqlUuid)]
    pub(in crate::delivery) message: MessageId,
    /// Empty, where there is no filter.
    #[diesel(sql_type = Text)]
    pub(in crate::delivery) body: String,
    #[diesel(sql_type = Bool)]
    pub(in crate::delivery) ordered: bool,
    /// It is not posted there: the endpoint asks for it.
    #[diesel(sql_type = Bool)]
    pub(in crate::delivery) polled: bool,
    #[diesel(sql_type = BigInt)]
    pub(in crate::delivery) revision: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(in crate::delivery) filter: Option<Value>,
}

/// What never went to an endpoint that is on of what was accepted in a time, after `last`, and is of a
/// type that it gets.
pub(in crate::delivery) async fn never_sent(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    (since, until): (Timestamp, Timestamp),
    last: Option<MessageId>,
    most: i64,
) -> Result<Vec<NeverSent>, MessageError> {
    let sql = "
        SELECT m.id AS message, CASE WHEN e.filter IS NULL THEN '' ELSE m.body END AS body, e.ordered,
               e.kind = 'poll' AS polled, e.revision, e.filter
        FROM messages m
        JOIN endpoints e ON e.org_id = m.org_id AND e.id = $2
        WHERE m.org_id = $1 AND e.enabled AND (e.event_types = '{}' OR m.event_type = ANY (e.event_types))
            AND m.created_at BETWEEN $3 AND $4 AND ($5 IS NULL OR m.id > $5)
            AND NOT EXISTS (SELECT FROM deliveries d WHERE d.message_id = m.id AND d.endpoint_id = $2)
        ORDER BY m.id LIMIT $6";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<Timestamptz, _>(since)
        .bind::<Timestamptz, _>(until)
        .bind::<Nullable<SqlUuid>, _>(last)
        .bind::<BigInt, _>(most);
    Ok(query.load(conn).await?)
}

/// Adds deliveries of these messages to an endpoint; of which there was none yet.
pub(in crate::delivery) async fn insert_for(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    messages: &[MessageId],
) -> Result<Vec<MessageId>, MessageError> {
    let sql = "INSERT INTO deliveries (org_id, endpoint_id, message_id, xid)
               SELECT org_id, id, unnest($3), CASE WHEN kind = 'poll' THEN pg_current_xact_id() END
               FROM endpoints WHERE org_id = $1 AND id = $2
               ON CONFLICT DO NOTHING RETURNING message_id";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<Array<SqlUuid>, _>(messages);
    Ok(query.load::<Begun>(conn).await?.into_iter().map(|begun| begun.message_id).collect())
}
