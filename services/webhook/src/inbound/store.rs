//! All SQL of what providers posted: each query names the organisation whose source it is.

use std::time::Duration;

use contract_webhook::{Received, ReceivedId, SourceId};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::value::RawValue;
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::{error::InboundError, reading::Said};

/// Keeps what was posted, and counts it at its source; none, if it had come before. Gives how many there
/// are of the source.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    (org, source, id): (OrgId, SourceId, ReceivedId),
    said: &Said,
    now: Timestamp,
) -> Result<Option<i64>, InboundError> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = BigInt)]
        events: i64,
    }
    let sql = "
        WITH fresh AS (
            INSERT INTO received (org_id, source_id, id, event_id, event_type, payload, received_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (source_id, event_id) WHERE event_id IS NOT NULL DO NOTHING
            RETURNING id
        )
        UPDATE sources SET events = events + 1
        WHERE org_id = $1 AND id = $2 AND EXISTS (SELECT FROM fresh)
        RETURNING events";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(source)
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<Text>, _>(said.event_id.as_deref())
        .bind::<Nullable<Text>, _>(said.event_type.as_deref())
        .bind::<Text, _>(said.payload.get())
        .bind::<Timestamptz, _>(now);
    Ok(query.get_result::<Counted>(conn).await.optional()?.map(|counted| counted.events))
}

/// What came first with this id of the provider's.
pub(super) async fn first(
    conn: &mut AsyncPgConnection,
    (org, source): (OrgId, SourceId),
    event_id: &str,
) -> Result<Option<ReceivedId>, InboundError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        id: ReceivedId,
    }
    let query = statement("SELECT id FROM received WHERE org_id = $1 AND source_id = $2 AND event_id = $3");
    let query = query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(source).bind::<Text, _>(event_id);
    Ok(query.get_result::<Found>(conn).await.optional()?.map(|found| found.id))
}

/// A page of what came from a source, the latest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    (org, source): (OrgId, SourceId),
    page: Page,
) -> Result<Vec<Received>, InboundError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: ReceivedId,
        #[diesel(sql_type = Nullable<Text>)]
        event_id: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        event_type: Option<String>,
        #[diesel(sql_type = Text)]
        payload: String,
        #[diesel(sql_type = Timestamptz)]
        received_at: Timestamp,
    }
    let sql = "SELECT * FROM received
               WHERE org_id = $1 AND source_id = $2 AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(source)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    let received = |row: Row| {
        let Row { id, event_id, event_type, payload, received_at } = row;
        Ok(Received { id, event_id, event_type, received_at, payload: RawValue::from_string(payload)? })
    };
    query.load::<Row>(conn).await?.into_iter().map(received).collect()
}

/// Deletes some of what came before `keep`, of all organisations; how many.
pub(crate) async fn forget(conn: &mut AsyncPgConnection, keep: Duration, most: i64) -> db::Result<usize> {
    let sql = "DELETE FROM received WHERE id IN (
                   SELECT id FROM received WHERE id < message_id_at(now() - make_interval(secs => $1))
                   ORDER BY id LIMIT $2)";
    let query = statement(sql).bind::<Double, _>(keep.as_secs_f64()).bind::<BigInt, _>(most);
    Ok(query.execute(conn).await?)
}

/// Deletes some of what came to an organisation; how many.
pub(crate) async fn forget_of(conn: &mut AsyncPgConnection, org: OrgId, most: i64) -> db::Result<usize> {
    let sql = "DELETE FROM received WHERE org_id = $1 AND id IN (
                   SELECT r.id FROM sources s JOIN received r ON r.source_id = s.id WHERE s.org_id = $1 LIMIT $2)";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<BigInt, _>(most);
    Ok(query.execute(conn).await?)
}
