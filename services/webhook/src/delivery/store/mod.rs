//! All SQL of deliveries: each query names the organisation they belong to.

mod list;
mod missed;
mod note;
mod turn;

use contract_webhook::{EndpointId, EndpointStats, MessageId};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use service_kit::db::statement;

use crate::message::MessageError;

pub(super) use list::list;
pub(super) use missed::{Missed, NeverSent, begin_again, insert_for, missed, never_sent};
pub(super) use note::{After, PutOff, note, put_off};
pub(super) use turn::{Asked, Due, take_turns};

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
    /// It is not posted there: the endpoint asks for it.
    #[diesel(sql_type = Bool)]
    pub(super) polled: bool,
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

/// Adds a delivery to each of these endpoints.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    endpoints: &[EndpointId],
) -> Result<(), MessageError> {
    let sql = "INSERT INTO deliveries (org_id, message_id, endpoint_id, xid)
               SELECT org_id, $2, id, CASE WHEN kind = 'poll' THEN pg_current_xact_id() END
               FROM endpoints WHERE org_id = $1 AND id = ANY ($3)";
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
        SELECT e.id, e.ordered, e.kind = 'poll' AS polled FROM endpoints e
        WHERE e.org_id = $1 AND e.enabled AND (e.id = $3 OR ($3 IS NULL AND EXISTS (
            SELECT FROM deliveries d WHERE d.org_id = $1 AND d.message_id = $2 AND d.endpoint_id = e.id)))
        ORDER BY e.id";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(message)
        .bind::<Nullable<SqlUuid>, _>(endpoint);
    Ok(query.load(conn).await?)
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

/// Has endpoints that ask for their messages find this one anew, behind all others.
pub(super) async fn offer(
    conn: &mut AsyncPgConnection,
    (org, message): (OrgId, MessageId),
    endpoints: &[EndpointId],
) -> Result<(), MessageError> {
    let sql = "UPDATE deliveries SET state = 'pending', xid = pg_current_xact_id()
               WHERE org_id = $1 AND message_id = $2 AND endpoint_id = ANY ($3)";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(message)
        .bind::<Array<SqlUuid>, _>(endpoints);
    query.execute(conn).await?;
    Ok(())
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
