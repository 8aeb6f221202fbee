//! All SQL of polling: each query names the organisation that the endpoint belongs to.

use contract_webhook::{EndpointId, MessageId};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::OrgId;
use service_kit::db::statement;

use crate::message::MessageError;

/// Up to where messages were shown: the transaction that offered one, and which of its.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) xid: i64,
    pub(super) message: MessageId,
}

/// A message that an endpoint may have.
#[derive(QueryableByName)]
pub(super) struct Offered {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: MessageId,
    #[diesel(sql_type = BigInt)]
    pub(super) xid: i64,
    #[diesel(sql_type = Text)]
    pub(super) body: String,
}

/// What was offered to an endpoint after `last`, in the order of the transactions that did. Only what is below all
/// that are open: so nothing ever commits before what was shown.
pub(super) async fn offered(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    last: Option<Place>,
    most: i64,
) -> Result<Vec<Offered>, MessageError> {
    let sql = "
        SELECT d.message_id AS id, d.xid::text::bigint AS xid, m.body
        FROM deliveries d
        JOIN messages m ON m.org_id = d.org_id AND m.id = d.message_id
        WHERE d.org_id = $1 AND d.endpoint_id = $2 AND d.xid < pg_snapshot_xmin(pg_current_snapshot())
            AND ($3 IS NULL OR (d.xid, d.message_id) > ($3::text::xid8, $4))
        ORDER BY d.xid, d.message_id LIMIT $5";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<Nullable<BigInt>, _>(last.map(|last| last.xid))
        .bind::<Nullable<SqlUuid>, _>(last.map(|last| last.message))
        .bind::<BigInt, _>(most);
    Ok(query.load(conn).await?)
}

/// Notes that what was offered up to there is with whoever asked.
pub(super) async fn acknowledge(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    shown: Place,
) -> Result<(), MessageError> {
    let sql = "UPDATE deliveries SET state = 'delivered', attempts = attempts + 1
               WHERE org_id = $1 AND endpoint_id = $2 AND state = 'pending' AND xid IS NOT NULL
                   AND (xid, message_id) <= ($3::text::xid8, $4)";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<BigInt, _>(shown.xid)
        .bind::<SqlUuid, _>(shown.message);
    query.execute(conn).await?;
    Ok(())
}
