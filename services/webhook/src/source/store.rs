//! All SQL of sources: each query names the organisation they belong to, but for what a provider asks for.

use contract_webhook::{HmacOptions, Scheme, Source, SourceId, routes};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Binary, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::{db::statement, page::Page};

use super::SourceError;

#[derive(QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: SourceId,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) org_id: OrgId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    scheme: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    hmac: Option<Value>,
    #[diesel(sql_type = Binary)]
    pub(crate) sealed: Vec<u8>,
    /// What was signed with before, as long as it is good.
    #[diesel(sql_type = Nullable<Binary>)]
    pub(crate) retiring: Option<Vec<u8>>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl Row {
    /// How its provider signs.
    pub(crate) fn scheme(&self) -> Result<Scheme, SourceError> {
        serde_json::from_value(self.scheme.clone().into()).map_err(|_why| SourceError::Broken)
    }

    /// For the scheme `hmac`.
    pub(crate) fn hmac(&self) -> Option<HmacOptions> {
        serde_json::from_value(self.hmac.clone()?).ok()
    }

    pub(super) fn source(self) -> Result<Source, SourceError> {
        Ok(Source {
            scheme: self.scheme()?,
            hmac: self.hmac(),
            path: routes::HOOK.replace("{source}", &self.id.to_string()),
            id: self.id,
            name: self.name,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

const COLUMNS: &str = "id, org_id, name, scheme, hmac, sealed, created_at, updated_at,
    CASE WHEN retires_at > now() THEN retiring END AS retiring";

/// A page of sources, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> Result<Vec<Source>, SourceError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sources WHERE org_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"
    );
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    query.load::<Row>(conn).await?.into_iter().map(Row::source).collect()
}

/// The source of this id.
pub(crate) async fn find(conn: &mut AsyncPgConnection, org: OrgId, id: SourceId) -> Result<Row, SourceError> {
    let query = statement(format!("SELECT {COLUMNS} FROM sources WHERE org_id = $1 AND id = $2"));
    let found = query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).get_result(conn).await.optional()?;
    found.ok_or(SourceError::Unknown)
}

/// The same, and nobody else changes it before this transaction ends.
pub(super) async fn hold(conn: &mut AsyncPgConnection, org: OrgId, id: SourceId) -> Result<Row, SourceError> {
    let query = statement(format!("SELECT {COLUMNS} FROM sources WHERE org_id = $1 AND id = $2 FOR UPDATE"));
    let found = query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).get_result(conn).await.optional()?;
    found.ok_or(SourceError::Unknown)
}

/// The source that a provider names: whoever posts there shows by a signature that it is meant.
pub(crate) async fn named(conn: &mut AsyncPgConnection, id: SourceId) -> Result<Row, SourceError> {
    let query = statement(format!("SELECT {COLUMNS} FROM sources WHERE id = $1"));
    query.bind::<SqlUuid, _>(id).get_result(conn).await.optional()?.ok_or(SourceError::Unknown)
}

/// How many an organisation has; nobody else adds one before this transaction ends.
pub(super) async fn count(conn: &mut AsyncPgConnection, org: OrgId) -> Result<i64, SourceError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let lock = statement("SELECT pg_advisory_xact_lock(hashtextextended('sources of ' || $1::text, 0))");
    lock.bind::<SqlUuid, _>(org).execute(conn).await?;
    let query = statement("SELECT count(*) AS count FROM sources WHERE org_id = $1");
    Ok(query.bind::<SqlUuid, _>(org).get_result::<Count>(conn).await?.count)
}

/// Adds a source, which hears its provider at once.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    (org, id): (OrgId, SourceId),
    (name, scheme, hmac): (&str, Scheme, Option<&HmacOptions>),
    sealed: &[u8],
    now: Timestamp,
) -> Result<Source, SourceError> {
    let sql = format!(
        "INSERT INTO sources (org_id, id, name, hmac, sealed, created_at, updated_at, scheme)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7) RETURNING {COLUMNS}"
    );
    let scheme = serde_json::to_value(scheme).map_err(|_why| SourceError::Broken)?;
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(name)
        .bind::<Nullable<Jsonb>, _>(written(hmac)?)
        .bind::<Binary, _>(sealed)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(scheme.as_str().unwrap_or_default());
    query.get_result::<Row>(conn).await?.source()
}

/// Replaces what a source says; with another secret the one before is good for a day.
pub(super) async fn update(
    conn: &mut AsyncPgConnection,
    (org, id): (OrgId, SourceId),
    (name, hmac): (&str, Option<&HmacOptions>),
    sealed: Option<&[u8]>,
    now: Timestamp,
) -> Result<Source, SourceError> {
    let sql = format!(
        "UPDATE sources
         SET name = $3, hmac = $4, updated_at = $6, sealed = coalesce($5, sealed),
             retiring = CASE WHEN $5 IS NULL THEN retiring ELSE sealed END,
             retires_at = CASE WHEN $5 IS NULL THEN retires_at ELSE now() + interval '1 day' END
         WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}"
    );
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(name)
        .bind::<Nullable<Jsonb>, _>(written(hmac)?)
        .bind::<Nullable<Binary>, _>(sealed)
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await?.source()
}

/// Deletes a source with what came from it; `false` when there is none.
pub(super) async fn delete(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: SourceId,
) -> Result<bool, SourceError> {
    let query = statement("DELETE FROM sources WHERE org_id = $1 AND id = $2");
    Ok(query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).execute(conn).await? == 1)
}

fn written(hmac: Option<&HmacOptions>) -> Result<Option<Value>, SourceError> {
    hmac.map(serde_json::to_value).transpose().map_err(|_why| SourceError::Broken)
}
