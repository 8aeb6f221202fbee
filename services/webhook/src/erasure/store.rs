//! All SQL of erasures.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::OrgId;
use service_kit::db::{self, statement};

/// Deletes all endpoints of an organisation, with their secrets, and its types of events.
pub(super) async fn delete_endpoints(conn: &mut AsyncPgConnection, org: OrgId) -> db::Result<()> {
    statement("DELETE FROM event_types WHERE org_id = $1").bind::<SqlUuid, _>(org).execute(conn).await?;
    statement("DELETE FROM endpoints WHERE org_id = $1").bind::<SqlUuid, _>(org).execute(conn).await?;
    Ok(())
}

/// Deletes all sources of an organisation, with what is left of what came from them.
pub(super) async fn delete_sources(conn: &mut AsyncPgConnection, org: OrgId) -> db::Result<()> {
    statement("DELETE FROM sources WHERE org_id = $1").bind::<SqlUuid, _>(org).execute(conn).await?;
    Ok(())
}

/// Whether an organisation ever sent something, or has a source.
pub(super) async fn has_history(conn: &mut AsyncPgConnection, org: OrgId) -> db::Result<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        found: bool,
    }
    let query = statement(
        "SELECT EXISTS (SELECT FROM messages WHERE org_id = $1)
        OR EXISTS (SELECT FROM sources WHERE org_id = $1) AS found",
    );
    Ok(query.bind::<SqlUuid, _>(org).get_result::<Found>(conn).await?.found)
}

/// Deletes some messages of an organisation, with what was sent of them; gives how many.
pub(super) async fn delete_messages(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    most: i64,
) -> db::Result<usize> {
    let sql = "
        WITH batch AS (
            SELECT id FROM messages WHERE org_id = $1 ORDER BY id LIMIT $2
        ), attempt AS (
            DELETE FROM attempts WHERE org_id = $1 AND message_id IN (SELECT id FROM batch)
        ), delivery AS (
            DELETE FROM deliveries WHERE org_id = $1 AND message_id IN (SELECT id FROM batch)
        ), event_id AS (
            DELETE FROM message_event_ids WHERE org_id = $1 AND message_id IN (SELECT id FROM batch)
        )
        DELETE FROM messages WHERE org_id = $1 AND id IN (SELECT id FROM batch)";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<BigInt, _>(most);
    Ok(query.execute(conn).await?)
}
