//! All SQL of the history: each query names the organisation and the owner.

use contract_prefs::{MigrationStep, NamespaceName, PreferenceChange, PreferenceVersion};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Double, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::{
    db::{self, statement},
    page::Page,
};
use uuid::Uuid;

use crate::{
    document::{
        Held, Layer,
        store::{all_steps, layer as layer_of},
    },
    namespace::{
        rules,
        store::{document, pointers},
    },
    settings::Retention,
};

/// A version as the database has it.
#[derive(QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    change: String,
    #[diesel(sql_type = Jsonb)]
    layer: Value,
    #[diesel(sql_type = Jsonb)]
    locks: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    changed_by: Option<UserId>,
    #[diesel(sql_type = Nullable<Text>)]
    through: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    changed_at: Timestamp,
}

impl From<Row> for PreferenceVersion {
    fn from(row: Row) -> Self {
        let Row { version, change, layer, locks, changed_by, through, changed_at } = row;
        let known = PreferenceChange::ALL.into_iter().find(|known| known.as_str() == change);
        let change = known.unwrap_or(PreferenceChange::Replaced);
        let (overrides, locks) = (document(layer), pointers(locks));
        Self { version, change, overrides, locks, changed_by, through, changed_at }
    }
}

/// A page of the versions of one layer, newest first, and one more if there is more.
pub(crate) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    owner: Uuid,
    name: &NamespaceName,
    page: Page,
) -> db::Result<Vec<PreferenceVersion>> {
    let sql = "
        SELECT * FROM document_versions
        WHERE org_id = $1 AND owner_id = $2 AND namespace = $3 AND ($4 IS NULL OR version < $4)
        ORDER BY version DESC LIMIT $5";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(owner)
        .bind::<Text, _>(name.as_str())
        .bind::<Nullable<BigInt>, _>(page.after.map(rules::version))
        .bind::<BigInt, _>(page.rows());
    let rows: Vec<Row> = query.load(conn).await?;
    Ok(rows.into_iter().map(PreferenceVersion::from).collect())
}

/// What a layer was in an earlier version, and the steps that lead it to the namespace of
/// `held`; `None` when there is no such version, or no more.
pub(crate) async fn layer(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    owner: Uuid,
    held: &Held,
    version: i64,
) -> db::Result<Option<(Layer, Vec<MigrationStep>)>> {
    #[derive(QueryableByName)]
    struct Earlier {
        #[diesel(sql_type = Jsonb)]
        layer: Value,
        #[diesel(sql_type = Jsonb)]
        locks: Value,
        #[diesel(sql_type = Nullable<Jsonb>)]
        migrations: Option<Value>,
    }
    let sql = "
        SELECT d.layer, d.locks, (
            SELECT jsonb_agg(v.migration ORDER BY v.version) FROM namespace_versions v
            WHERE v.namespace = $3 AND v.version > d.fits AND v.version <= $5
        ) AS migrations
        FROM document_versions d
        WHERE d.org_id = $1 AND d.owner_id = $2 AND d.namespace = $3 AND d.version = $4";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(owner)
        .bind::<Text, _>(held.namespace.as_str())
        .bind::<BigInt, _>(version)
        .bind::<BigInt, _>(held.namespace_version);
    let earlier: Option<Earlier> = query.get_result(conn).await.optional()?;
    Ok(earlier
        .map(|earlier| (layer_of(Some(earlier.layer), Some(earlier.locks)), all_steps(earlier.migrations))))
}

/// Deletes some of the versions that are older than is kept, or further back than the most
/// that are kept; gives how many. The newest of each layer stays.
pub(crate) async fn prune(
    conn: &mut AsyncPgConnection,
    retention: Retention,
    most: i64,
) -> db::Result<usize> {
    let sql = "
        DELETE FROM document_versions v USING (
            SELECT h.org_id, h.owner_id, h.namespace, h.version
            FROM documents d
            JOIN document_versions h USING (org_id, owner_id, namespace)
            WHERE h.version < d.version AND (
                h.changed_at < clock_timestamp() - make_interval(secs => $1) OR h.version <= d.version - $2
            )
            LIMIT $3
        ) AS old
        WHERE v.org_id = old.org_id AND v.owner_id = old.owner_id AND v.namespace = old.namespace
          AND v.version = old.version";
    let query = statement(sql)
        .bind::<Double, _>(retention.age.as_secs_f64())
        .bind::<BigInt, _>(retention.versions)
        .bind::<BigInt, _>(most);
    Ok(query.execute(conn).await?)
}
