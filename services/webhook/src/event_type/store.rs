//! All SQL of the catalogue: each query names the organisation that a type belongs to.

use contract_webhook::{EventType, EventTypeSays};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Id, Kind, OrgId, Timestamp};
use serde_json::Value;
use service_kit::{db::statement, page::Page};

use super::EventTypeError;

/// The kind of a type's id, which no client sees.
#[derive(Debug)]
pub(crate) enum TypeKind {}

impl Kind for TypeKind {
    const PREFIX: &'static str = "evtype";
    const NAME: &'static str = "EventTypeId";
}

/// The id of a type; lists are ordered by it.
pub(crate) type TypeId = Id<TypeKind>;

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: TypeId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    schema: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    example: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl From<Row> for EventType {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            description: row.description,
            schema: row.schema,
            example: row.example,
            platform: false,
            created_at: Some(row.created_at),
            updated_at: Some(row.updated_at),
        }
    }
}

/// A schema that payloads must fit.
#[derive(QueryableByName)]
pub(super) struct Enforced {
    #[diesel(sql_type = BigInt)]
    pub(super) version: i64,
    #[diesel(sql_type = Jsonb)]
    pub(super) schema: Value,
}

/// The schema of a type, if it has one.
pub(super) async fn schema(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: TypeId,
) -> Result<Option<Enforced>, EventTypeError> {
    let sql = "SELECT version, schema FROM event_types WHERE org_id = $1 AND id = $2 AND schema IS NOT NULL";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id);
    Ok(query.get_result(conn).await.optional()?)
}

/// A page of an organisation's own types, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> Result<Vec<Row>, EventTypeError> {
    let sql = "SELECT * FROM event_types WHERE org_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    Ok(query.load(conn).await?)
}

/// The type of this name.
pub(super) async fn find(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    name: &str,
) -> Result<EventType, EventTypeError> {
    let query = statement("SELECT * FROM event_types WHERE org_id = $1 AND name = $2");
    let found =
        query.bind::<SqlUuid, _>(org).bind::<Text, _>(name).get_result::<Row>(conn).await.optional()?;
    found.map(EventType::from).ok_or(EventTypeError::Unknown)
}

/// How many an organisation has; nobody else adds one before this transaction ends.
pub(super) async fn count(conn: &mut AsyncPgConnection, org: OrgId) -> Result<i64, EventTypeError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let lock = statement("SELECT pg_advisory_xact_lock(hashtextextended('event types of ' || $1::text, 0))");
    lock.bind::<SqlUuid, _>(org).execute(conn).await?;
    let query = statement("SELECT count(*) AS count FROM event_types WHERE org_id = $1");
    Ok(query.bind::<SqlUuid, _>(org).get_result::<Count>(conn).await?.count)
}

/// Adds a type; none, if there is one of this name.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    (org, name): (OrgId, &str),
    says: &EventTypeSays,
    now: Timestamp,
) -> Result<Option<EventType>, EventTypeError> {
    let sql = "
        INSERT INTO event_types (org_id, name, description, schema, example, created_at, updated_at, id)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
        ON CONFLICT DO NOTHING
        RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Text, _>(name)
        .bind::<Text, _>(&says.description)
        .bind::<Nullable<Jsonb>, _>(&says.schema)
        .bind::<Nullable<Jsonb>, _>(&says.example)
        .bind::<Timestamptz, _>(now)
        .bind::<SqlUuid, _>(TypeId::generate());
    Ok(query.get_result::<Row>(conn).await.optional()?.map(EventType::from))
}

/// Replaces what a type says.
pub(super) async fn update(
    conn: &mut AsyncPgConnection,
    (org, name): (OrgId, &str),
    says: &EventTypeSays,
    now: Timestamp,
) -> Result<EventType, EventTypeError> {
    let sql = "
        UPDATE event_types
        SET description = $3, schema = $4, example = $5, version = version + 1, updated_at = $6
        WHERE org_id = $1 AND name = $2
        RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Text, _>(name)
        .bind::<Text, _>(&says.description)
        .bind::<Nullable<Jsonb>, _>(&says.schema)
        .bind::<Nullable<Jsonb>, _>(&says.example)
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await.optional()?.map(EventType::from).ok_or(EventTypeError::Unknown)
}

/// Deletes a type; `false` when there is none.
pub(super) async fn delete(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    name: &str,
) -> Result<bool, EventTypeError> {
    let query = statement("DELETE FROM event_types WHERE org_id = $1 AND name = $2");
    Ok(query.bind::<SqlUuid, _>(org).bind::<Text, _>(name).execute(conn).await? == 1)
}
