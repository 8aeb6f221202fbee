//! All SQL of namespaces. They are the platform's, so no owner narrows a query.

use contract_prefs::{Namespace, NamespaceId, NamespaceName, NewNamespace};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::Timestamp;
use serde_json::Value;
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::NamespaceError;

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
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl TryFrom<Row> for Namespace {
    type Error = NamespaceError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let Row { id, name, version, description, schema, defaults, created_at, updated_at } = row;
        let name = name.parse()?;
        let defaults = document(defaults);
        Ok(Self { id, name, version, description, schema, defaults, created_at, updated_at })
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

/// Registers a namespace; `None` when the name is taken.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    id: NamespaceId,
    name: &NamespaceName,
    new: &NewNamespace,
    now: Timestamp,
) -> Result<Option<Namespace>, NamespaceError> {
    let sql =
        "INSERT INTO namespaces (id, name, version, description, schema, defaults, created_at, updated_at)
               VALUES ($1, $2, 1, $3, $4, $5, $6, $6)
               ON CONFLICT (name) DO NOTHING RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(name.as_str())
        .bind::<Text, _>(&new.description)
        .bind::<Jsonb, _>(&new.schema)
        .bind::<Jsonb, _>(Value::Object(new.defaults.clone()))
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await.optional()?.map(Namespace::try_from).transpose()
}

/// Replaces the namespace if it still has this version; `None` when it has not.
pub(crate) async fn replace(
    conn: &mut AsyncPgConnection,
    name: &NamespaceName,
    version: i64,
    new: &NewNamespace,
    now: Timestamp,
) -> Result<Option<Namespace>, NamespaceError> {
    let sql = "UPDATE namespaces
               SET version = version + 1, description = $3, schema = $4, defaults = $5, updated_at = $6
               WHERE name = $1 AND version = $2 RETURNING *";
    let query = statement(sql)
        .bind::<Text, _>(name.as_str())
        .bind::<BigInt, _>(version)
        .bind::<Text, _>(&new.description)
        .bind::<Jsonb, _>(&new.schema)
        .bind::<Jsonb, _>(Value::Object(new.defaults.clone()))
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await.optional()?.map(Namespace::try_from).transpose()
}

/// A column that the database checks to hold an object.
pub(crate) fn document(value: Value) -> contract_prefs::PreferenceDocument {
    match value {
        Value::Object(members) => members,
        _ => contract_prefs::PreferenceDocument::new(),
    }
}
