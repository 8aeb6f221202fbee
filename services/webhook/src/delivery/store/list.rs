//! What goes to an endpoint, for those who look.

use contract_webhook::{EndpointDelivery, EndpointId, MessageId};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use service_kit::{db::statement, page::Page};

use crate::message::{MessageError, state_of};

/// A page of deliveries to an endpoint, those of the latest messages first, and one more if there is more.
pub(in crate::delivery) async fn list(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    page: Page,
) -> Result<Vec<EndpointDelivery>, MessageError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        message_id: MessageId,
        #[diesel(sql_type = Text)]
        event_type: String,
        #[diesel(sql_type = Timestamptz)]
        created_at: Timestamp,
        #[diesel(sql_type = Text)]
        state: String,
        #[diesel(sql_type = Integer)]
        attempts: i32,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        next_attempt_at: Option<Timestamp>,
    }
    let sql = "
        SELECT d.message_id, m.event_type, m.created_at, d.state, d.attempts, d.next_attempt_at
        FROM deliveries d
        JOIN messages m ON m.org_id = d.org_id AND m.id = d.message_id
        WHERE d.org_id = $1 AND d.endpoint_id = $2 AND ($3 IS NULL OR d.message_id < $3)
        ORDER BY d.message_id DESC LIMIT $4";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    let delivery = |row: Row| {
        let Row { message_id, event_type, created_at, state, attempts, next_attempt_at } = row;
        let state = state_of(&state)?;
        Ok(EndpointDelivery { message_id, event_type, created_at, state, attempts, next_attempt_at })
    };
    query.load::<Row>(conn).await?.into_iter().map(delivery).collect()
}
