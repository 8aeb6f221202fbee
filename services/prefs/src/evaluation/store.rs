//! All SQL of evaluation: a whole set in one statement.

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Binary, Jsonb, Nullable, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ids::OrgId;
use serde_json::Value;
use service_kit::db::{self, statement};

use super::snapshot::{Snapshot, Stored};
use crate::flag_set::{CHANNEL, FlagError};

/// The version, and all the rest only if it is another than `$2`.
const SET: &str = "
    SELECT s.version, s.salt, CASE WHEN s.version <> $2 THEN jsonb_build_object(
        'flags', (SELECT coalesce(jsonb_agg(jsonb_build_array(key, version, definition)), '[]')
                  FROM flags WHERE org_id = $1 AND NOT archived),
        'segments', (SELECT coalesce(jsonb_agg(jsonb_build_array(key, condition)), '[]')
                     FROM flag_segments WHERE org_id = $1),
        'environments', (SELECT coalesce(jsonb_agg(key), '[]') FROM flag_environments WHERE org_id = $1),
        'running', (SELECT coalesce(jsonb_agg(jsonb_build_array(id, plan)), '[]')
                    FROM experiments WHERE org_id = $1 AND state = 'running')
    ) END AS stored
    FROM flag_sets s WHERE s.org_id = $1";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Binary)]
    salt: Vec<u8>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    stored: Option<Value>,
}

/// The set as it is now; `None` when it still has the version `known`.
pub(super) async fn newer(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    known: i64,
) -> Result<Option<Snapshot>, FlagError> {
    let query = statement(SET).bind::<SqlUuid, _>(org).bind::<BigInt, _>(known);
    let row: Option<Row> = query.get_result(conn).await.optional()?;
    let Some(Row { version, salt, stored }) = row else {
        // Nothing was written yet, or all was erased.
        return Ok((known != 0).then(Snapshot::default));
    };
    let Some(stored) = stored else { return Ok(None) };
    let stored: Stored = serde_json::from_value(stored).map_err(|why| {
        tracing::error!(%org, version, %why, "a set of flags cannot be read");
        FlagError::Broken("a set of flags")
    })?;
    Ok(Some(Snapshot::compile(org, version, salt, stored)))
}

/// The set as it is now.
pub(crate) async fn snapshot(conn: &mut AsyncPgConnection, org: OrgId) -> Result<Snapshot, FlagError> {
    Ok(newer(conn, org, 0).await?.unwrap_or_default())
}

/// Has `conn` hear whose set changes.
pub(super) async fn listen(conn: &mut AsyncPgConnection) -> db::Result<()> {
    Ok(conn.batch_execute(&format!("LISTEN {CHANNEL}")).await?)
}
