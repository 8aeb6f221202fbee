//! All SQL of environments that organisations added.

use contract_prefs::FlagKey;
use diesel::{
    QueryableByName,
    sql_types::{Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use service_kit::db::statement;

use crate::flag_set::FlagError;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    key: String,
}

/// Those of an organisation, oldest first.
pub(super) async fn list(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Vec<FlagKey>, FlagError> {
    let sql = "SELECT key FROM flag_environments WHERE org_id = $1 ORDER BY created_at, key";
    let rows: Vec<Row> = statement(sql).bind::<SqlUuid, _>(org).load(conn).await?;
    rows.into_iter().map(|row| row.key.parse().map_err(|_why| FlagError::Broken("a key"))).collect()
}

/// Adds one; `false` when it is there.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    key: &FlagKey,
    now: Timestamp,
) -> Result<bool, FlagError> {
    let sql = "INSERT INTO flag_environments (org_id, key, created_at) VALUES ($1, $2, $3)
               ON CONFLICT DO NOTHING";
    let query =
        statement(sql).bind::<SqlUuid, _>(org).bind::<Text, _>(key.as_str()).bind::<Timestamptz, _>(now);
    Ok(query.execute(conn).await? == 1)
}

/// Deletes one; `false` when it is not there.
pub(super) async fn delete(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    key: &FlagKey,
) -> Result<bool, FlagError> {
    let query = statement("DELETE FROM flag_environments WHERE org_id = $1 AND key = $2");
    Ok(query.bind::<SqlUuid, _>(org).bind::<Text, _>(key.as_str()).execute(conn).await? == 1)
}
