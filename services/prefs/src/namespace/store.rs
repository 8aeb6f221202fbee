//! All SQL of namespaces. They are the platform's, so no owner narrows a query.

use contract_prefs::{
    MigrationStep, Namespace, NamespaceId, NamespaceName, NamespaceVersion, NewNamespace, PreferenceDocument,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Timestamp, UserId};
use serde_json::Value;
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::{NamespaceError, rules};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: NamespaceId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Jsonb)]
    schema: Value,
    #[diesel(sql_type = Jsonb)]
    defaults: Value,
    #[diesel(sql_type = Jsonb)]
    locks: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl TryFrom<Row> for Namespace {
    type Error = NamespaceError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let Row { id, name, version, description, schema, defaults, locks, created_at, updated_at } = row;
        let name = name.parse()?;
        let (defaults, locks) = (document(defaults), pointers(locks));
        Ok(Self { id, name, version, description, schema, defaults, locks, created_at, updated_at })
    }
}

/// A page of namespaces, oldest first, and one more if there is more.
pub(crate) async fn list(conn: &mut AsyncPgConnection, page: Page) -> Result<Vec<Namespace>, NamespaceError> {
    let sql = "SELECT * FROM namespaces WHERE $1 IS NULL OR id > $1 ORDER BY id LIMIT $2";
    let query = statement(sql).bind::<Nullable<SqlUuid>, _>(page.after).bind::<BigInt, _>(page.rows());
    let rows: Vec<Row> = query.load(conn).await?;
    rows.into_iter().map(Namespace::try_from).collect()
}

/// The namespace of this name.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    name: &NamespaceName,
) -> Result<Option<Namespace>, NamespaceError> {
    let query = statement("SELECT * FROM namespaces WHERE name = $1").bind::<Text, _>(name.as_str());
    query.get_result::<Row>(conn).await.optional()?.map(Namespace::try_from).transpose()
}

/// The schema of this very version; `None` once it is replaced.
pub(crate) async fn schema(
    conn: &mut AsyncPgConnection,
    name: &NamespaceName,
    version: i64,
) -> db::Result<Option<Value>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Jsonb)]
        schema: Value,
    }
    let query = statement("SELECT schema FROM namespaces WHERE name = $1 AND version = $2");
    let query = query.bind::<Text, _>(name.as_str()).bind::<BigInt, _>(version);
    Ok(query.get_result::<Row>(conn).await.optional()?.map(|row| row.schema))
}

/// Registers a namespace (over `version` 0), or replaces one that still has the `version`,
/// and keeps what it is now among its versions; `None` when another was faster.
///
/// Relies on namespaces never being removed: one that was read is there.
pub(crate) async fn put(
    conn: &mut AsyncPgConnection,
    name: &NamespaceName,
    version: i64,
    new: &NewNamespace,
    by: UserId,
    now: Timestamp,
) -> Result<Option<Namespace>, NamespaceError> {
    let sql = "
        WITH written AS (
            INSERT INTO namespaces AS n
                (id, name, version, description, schema, defaults, locks, created_at, updated_at)
            VALUES ($1, $2, $3 + 1, $4, $5, $6, $7, $8, $8)
            ON CONFLICT (name) DO UPDATE
            SET version = excluded.version, description = excluded.description, schema = excluded.schema,
                defaults = excluded.defaults, locks = excluded.locks, updated_at = excluded.updated_at,
                xid = excluded.xid
            WHERE n.version = $3
            RETURNING *
        ), recorded AS (
            INSERT INTO namespace_versions
                (namespace, version, description, schema, defaults, locks, migration, created_by, created_at)
            SELECT name, version, description, schema, defaults, locks, $9, $10, updated_at FROM written
        )
        SELECT * FROM written";
    let query = statement(sql)
        .bind::<SqlUuid, _>(NamespaceId::generate())
        .bind::<Text, _>(name.as_str())
        .bind::<BigInt, _>(version)
        .bind::<Text, _>(&new.description)
        .bind::<Jsonb, _>(&new.schema)
        .bind::<Jsonb, _>(Value::Object(new.defaults.clone()))
        .bind::<Jsonb, _>(Value::from(new.locks.clone()))
        .bind::<Timestamptz, _>(now)
        .bind::<Jsonb, _>(serde_json::to_value(&new.migration).unwrap_or_default())
        .bind::<SqlUuid, _>(by);
    query.get_result::<Row>(conn).await.optional()?.map(Namespace::try_from).transpose()
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Jsonb)]
    schema: Value,
    #[diesel(sql_type = Jsonb)]
    defaults: Value,
    #[diesel(sql_type = Jsonb)]
    locks: Value,
    #[diesel(sql_type = Jsonb)]
    migration: Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    created_by: Option<UserId>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl From<VersionRow> for NamespaceVersion {
    fn from(row: VersionRow) -> Self {
        let VersionRow { version, description, schema, created_by, created_at, .. } = row;
        let (defaults, locks) = (document(row.defaults), pointers(row.locks));
        let migration = steps(row.migration);
        Self { version, description, schema, defaults, locks, migration, created_by, created_at }
    }
}

/// A page of a namespace's versions, newest first, and one more if there is more.
pub(crate) async fn versions(
    conn: &mut AsyncPgConnection,
    name: &NamespaceName,
    page: Page,
) -> db::Result<Vec<NamespaceVersion>> {
    let sql = "SELECT * FROM namespace_versions
               WHERE namespace = $1 AND ($2 IS NULL OR version < $2) ORDER BY version DESC LIMIT $3";
    let query = statement(sql)
        .bind::<Text, _>(name.as_str())
        .bind::<Nullable<BigInt>, _>(page.after.map(rules::version))
        .bind::<BigInt, _>(page.rows());
    let rows: Vec<VersionRow> = query.load(conn).await?;
    Ok(rows.into_iter().map(NamespaceVersion::from).collect())
}

/// A column that the database checks to hold an object.
pub(crate) fn document(value: Value) -> PreferenceDocument {
    match value {
        Value::Object(members) => members,
        _ => PreferenceDocument::new(),
    }
}

/// A column of JSON Pointers.
pub(crate) fn pointers(value: Value) -> Vec<String> {
    serde_json::from_value(value).unwrap_or_default()
}

/// A column of a migration's steps.
pub(crate) fn steps(value: Value) -> Vec<MigrationStep> {
    serde_json::from_value(value).unwrap_or_default()
}
