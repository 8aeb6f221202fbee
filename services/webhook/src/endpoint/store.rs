//! All SQL of endpoints: each query names the organisation they belong to.

use contract_webhook::{DisabledReason, Endpoint, EndpointId, NewEndpoint};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::{db::statement, page::Page};

use super::{
    EndpointError,
    headers::Sealed,
    kind::{self, Language},
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: EndpointId,
    #[diesel(sql_type = Nullable<Text>)]
    url: Option<String>,
    #[diesel(sql_type = Array<Text>)]
    event_types: Vec<String>,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Integer)]
    rate_limit: i32,
    #[diesel(sql_type = Bool)]
    ordered: bool,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    posthog: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    filter: Option<Value>,
    #[diesel(sql_type = Array<Text>)]
    header_names: Vec<String>,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Nullable<Text>)]
    disabled_reason: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failing_since: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl From<Row> for Endpoint {
    fn from(row: Row) -> Self {
        let reason = |reason: String| match &*reason {
            "gone" => DisabledReason::Gone,
            _ => DisabledReason::Failing,
        };
        let Language { kind, posthog } = kind::stored(&row.kind, row.posthog);
        Self {
            id: row.id,
            url: row.url,
            event_types: row.event_types,
            description: row.description,
            rate_limit: row.rate_limit,
            ordered: row.ordered,
            kind,
            posthog,
            filter: row.filter,
            header_names: row.header_names,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason.map(reason),
            failing_since: row.failing_since,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A page of endpoints, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> Result<Vec<Endpoint>, EndpointError> {
    let sql = "SELECT * FROM endpoints WHERE org_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    Ok(query.load::<Row>(conn).await?.into_iter().map(Endpoint::from).collect())
}

/// The endpoint of this id.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: EndpointId,
) -> Result<Endpoint, EndpointError> {
    one(conn, "SELECT * FROM endpoints WHERE org_id = $1 AND id = $2", org, id).await
}

/// The same, and nobody else changes it, or what belongs to it, before this transaction ends.
pub(crate) async fn hold(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: EndpointId,
) -> Result<Endpoint, EndpointError> {
    one(conn, "SELECT * FROM endpoints WHERE org_id = $1 AND id = $2 FOR UPDATE", org, id).await
}

async fn one(
    conn: &mut AsyncPgConnection,
    sql: &'static str,
    org: OrgId,
    id: EndpointId,
) -> Result<Endpoint, EndpointError> {
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id);
    query.get_result::<Row>(conn).await.optional()?.map(Endpoint::from).ok_or(EndpointError::Unknown)
}

/// How many an organisation has; nobody else adds one before this transaction ends.
pub(super) async fn count(conn: &mut AsyncPgConnection, org: OrgId) -> Result<i64, EndpointError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let lock = statement("SELECT pg_advisory_xact_lock(hashtextextended('endpoints of ' || $1::text, 0))");
    lock.bind::<SqlUuid, _>(org).execute(conn).await?;
    let query = statement("SELECT count(*) AS count FROM endpoints WHERE org_id = $1");
    Ok(query.bind::<SqlUuid, _>(org).get_result::<Count>(conn).await?.count)
}

/// The headers that go with each message to an endpoint, sealed.
pub(crate) async fn headers(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: EndpointId,
) -> Result<Option<Vec<u8>>, EndpointError> {
    #[derive(QueryableByName)]
    struct Headers {
        #[diesel(sql_type = Nullable<Binary>)]
        headers: Option<Vec<u8>>,
    }
    let query = statement("SELECT headers FROM endpoints WHERE org_id = $1 AND id = $2");
    let found = query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).get_result::<Headers>(conn).await;
    Ok(found.optional()?.ok_or(EndpointError::Unknown)?.headers)
}

/// Adds an endpoint, which gets events at once.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    (org, id): (OrgId, EndpointId),
    new: &NewEndpoint,
    headers: &Sealed,
    now: Timestamp,
) -> Result<Endpoint, EndpointError> {
    let sql = "
        WITH endpoint AS (
            INSERT INTO endpoints (org_id, id, url, event_types, description, rate_limit, ordered, enabled,
                                   created_at, updated_at, filter, header_names, headers, kind, posthog)
            VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $8, $9, coalesce($10, '{}'), $11, $12, $13)
            RETURNING *
        ), turns AS (
            INSERT INTO endpoint_turns (endpoint_id, org_id, next_at) SELECT id, org_id, $8 FROM endpoint
        )
        SELECT * FROM endpoint";
    write(conn, sql, (org, id), new, Some(headers), now).await
}

/// Replaces what an endpoint says; its headers, if there are others.
pub(super) async fn update(
    conn: &mut AsyncPgConnection,
    (org, id): (OrgId, EndpointId),
    new: &NewEndpoint,
    headers: Option<&Sealed>,
    now: Timestamp,
) -> Result<Endpoint, EndpointError> {
    let sql = "
        UPDATE endpoints
        SET url = $3, event_types = $4, description = $5, rate_limit = $6, ordered = $7, updated_at = $8,
            filter = $9, header_names = coalesce($10, header_names),
            headers = CASE WHEN $10 IS NULL THEN headers ELSE $11 END, kind = $12, posthog = $13,
            revision = revision + 1
        WHERE org_id = $1 AND id = $2
        RETURNING *";
    write(conn, sql, (org, id), new, headers, now).await
}

async fn write(
    conn: &mut AsyncPgConnection,
    sql: &'static str,
    (org, id): (OrgId, EndpointId),
    new: &NewEndpoint,
    headers: Option<&Sealed>,
    now: Timestamp,
) -> Result<Endpoint, EndpointError> {
    let posthog = new.posthog.as_ref().map(serde_json::to_value).transpose();
    let posthog = posthog.map_err(|_why| EndpointError::Unwritable)?;
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id)
        .bind::<Nullable<Text>, _>(&new.url)
        .bind::<Array<Text>, _>(&new.event_types)
        .bind::<Text, _>(&new.description)
        .bind::<Integer, _>(new.rate_limit)
        .bind::<Bool, _>(new.ordered)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Jsonb>, _>(&new.filter)
        .bind::<Nullable<Array<Text>>, _>(headers.map(|headers| &headers.names))
        .bind::<Nullable<Binary>, _>(headers.and_then(|headers| headers.sealed.as_deref()))
        .bind::<Text, _>(kind::name(new.kind))
        .bind::<Nullable<Jsonb>, _>(posthog);
    Ok(query.get_result::<Row>(conn).await?.into())
}

/// Has an endpoint get events, or none.
pub(super) async fn put_on(
    conn: &mut AsyncPgConnection,
    (org, id): (OrgId, EndpointId),
    enabled: bool,
    now: Timestamp,
) -> Result<Endpoint, EndpointError> {
    let sql = "
        UPDATE endpoints
        SET enabled = $3, disabled_reason = NULL, failing_since = NULL, updated_at = $4
        WHERE org_id = $1 AND id = $2
        RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id)
        .bind::<Bool, _>(enabled)
        .bind::<Timestamptz, _>(now);
    Ok(query.get_result::<Row>(conn).await?.into())
}

/// Deletes an endpoint with its secrets; `false` when there is none.
pub(super) async fn delete(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: EndpointId,
) -> Result<bool, EndpointError> {
    let query = statement("DELETE FROM endpoints WHERE org_id = $1 AND id = $2");
    Ok(query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).execute(conn).await? == 1)
}
