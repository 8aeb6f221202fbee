//! All SQL of documents: each query names the organisation and the owner they belong to.

use contract_prefs::{MigrationStep, NamespaceName, PreferenceChange};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::db::statement;

use super::{DocumentError, Held, Layer, Stored, Whose};
use crate::namespace::store::{document, pointers, steps};

/// Every namespace with both layers of it, if there are any. What it takes to judge them
/// is only sent when they were last seen to fit something else: schema and migrations.
const HELD: &str = "
    SELECT n.name, n.version AS namespace_version, n.defaults, n.locks,
           o.layer AS organization_layer, o.locks AS organization_locks,
           coalesce(o.version, 0) AS organization_version,
           d.layer AS user_layer, coalesce(d.version, 0) AS user_version,
           CASE WHEN o.fits <> n.version THEN (
               SELECT jsonb_agg(v.migration ORDER BY v.version) FROM namespace_versions v
               WHERE v.namespace = n.name AND v.version > o.fits AND v.version <= n.version
           ) END AS organization_migrations,
           CASE WHEN d.fits <> n.version THEN (
               SELECT jsonb_agg(v.migration ORDER BY v.version) FROM namespace_versions v
               WHERE v.namespace = n.name AND v.version > d.fits AND v.version <= n.version
           ) END AS user_migrations,
           CASE WHEN o.fits <> n.version OR d.fits <> n.version
                  OR d.fits_organization <> coalesce(o.version, 0) THEN n.schema END AS schema
    FROM namespaces n
    LEFT JOIN documents o ON o.namespace = n.name AND o.org_id = $1 AND o.owner_id = $1
    LEFT JOIN documents d ON d.namespace = n.name AND d.org_id = $1 AND d.owner_id = $2";

/// One statement that writes, compares, and adds to the history. A namespace or layer that
/// has changed since it was read gives no row; so does a first write that another one came
/// before, and somebody who is gone.
const WRITE: &str = "
    WITH written AS (
        INSERT INTO documents AS d
            (org_id, owner_id, namespace, layer, locks, version, fits, fits_organization, updated_at)
        SELECT $1, $2, n.name, $5, $6, $7 + 1, n.version, $8, $9
        FROM namespaces n WHERE n.name = $3 AND n.version = $4
            AND ($1 = $2 OR $8 = coalesce((
                SELECT o.version FROM documents o
                WHERE o.org_id = $1 AND o.owner_id = $1 AND o.namespace = $3
            ), 0))
            AND NOT EXISTS (SELECT FROM erasures WHERE id IN ($1, $2, $11))
        ON CONFLICT (org_id, owner_id, namespace) DO UPDATE
        SET layer = excluded.layer, locks = excluded.locks, version = excluded.version, fits = excluded.fits,
            fits_organization = excluded.fits_organization, updated_at = excluded.updated_at,
            xid = excluded.xid
        WHERE d.version = $7
        RETURNING d.*
    ), recorded AS (
        INSERT INTO document_versions
            (org_id, owner_id, namespace, version, change, layer, locks, fits, changed_by, through, changed_at)
        SELECT org_id, owner_id, namespace, version, $10, layer, locks, fits, $11, $12, updated_at FROM written
    )
    SELECT version FROM written";

/// A version, as a statement that writes gives it.
#[derive(QueryableByName)]
pub(crate) struct Version {
    #[diesel(sql_type = BigInt)]
    pub(crate) version: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    namespace_version: i64,
    #[diesel(sql_type = Jsonb)]
    defaults: Value,
    #[diesel(sql_type = Jsonb)]
    locks: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    organization_layer: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    organization_locks: Option<Value>,
    #[diesel(sql_type = BigInt)]
    organization_version: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    user_layer: Option<Value>,
    #[diesel(sql_type = BigInt)]
    user_version: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    organization_migrations: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    user_migrations: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    schema: Option<Value>,
}

impl TryFrom<Row> for Held {
    type Error = DocumentError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let organization = Stored {
            layer: layer(row.organization_layer, row.organization_locks),
            version: row.organization_version,
            migration: all_steps(row.organization_migrations),
        };
        let user = Stored {
            layer: layer(row.user_layer, None),
            version: row.user_version,
            migration: all_steps(row.user_migrations),
        };
        Ok(Self {
            namespace: row.name.parse().map_err(crate::namespace::NamespaceError::from)?,
            namespace_version: row.namespace_version,
            defaults: document(row.defaults),
            locks: pointers(row.locks),
            organization,
            user,
            schema: row.schema,
        })
    }
}

/// A layer out of its columns.
pub(crate) fn layer(overrides: Option<Value>, locks: Option<Value>) -> Layer {
    let overrides = overrides.map(document).unwrap_or_default();
    Layer { overrides, locks: locks.map(pointers).unwrap_or_default() }
}

/// The steps of several migrations, one after the other.
pub(crate) fn all_steps(migrations: Option<Value>) -> Vec<MigrationStep> {
    let Some(Value::Array(migrations)) = migrations else { return Vec::new() };
    migrations.into_iter().flat_map(steps).collect()
}

/// What there is in one namespace for the user.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    name: &NamespaceName,
) -> Result<Held, DocumentError> {
    let query = statement(format!("{HELD} WHERE n.name = $3"))
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(user)
        .bind::<Text, _>(name.as_str());
    let row = query.get_result::<Row>(conn).await.optional()?;
    row.ok_or_else(|| DocumentError::Unknown(name.clone()))?.try_into()
}

/// What there is in every namespace for the user.
pub(crate) async fn all(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> Result<Vec<Held>, DocumentError> {
    let query = statement(HELD).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(user);
    query.load::<Row>(conn).await?.into_iter().map(Held::try_from).collect()
}

/// Who changes something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Author {
    /// Nobody when the platform does.
    pub(crate) user: Option<UserId>,
    /// Who acts in their name, or the key that is used.
    pub(crate) through: Option<String>,
}

/// A layer to put in the place of the one that was `held`.
#[derive(Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) whose: Whose,
    pub(crate) held: &'a Held,
    pub(crate) layer: &'a Layer,
    pub(crate) change: PreferenceChange,
    pub(crate) author: &'a Author,
}

/// Writes; gives the new version, or `None` when something has changed since.
///
/// Relies on rows being removed with their owner alone: one that was there when `held`
/// was read is there.
pub(crate) async fn write(
    conn: &mut AsyncPgConnection,
    write: &Write<'_>,
    now: Timestamp,
) -> Result<Option<i64>, DocumentError> {
    let Write { org, user, whose, held, layer, change, author } = *write;
    let below = match whose {
        Whose::User => held.organization.version,
        Whose::Organization => 0,
    };
    let query = statement(WRITE)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(whose.owner(org, user))
        .bind::<Text, _>(held.namespace.as_str())
        .bind::<BigInt, _>(held.namespace_version)
        .bind::<Jsonb, _>(Value::Object(layer.overrides.clone()))
        .bind::<Jsonb, _>(Value::from(layer.locks.clone()))
        .bind::<BigInt, _>(held.stored(whose).version)
        .bind::<BigInt, _>(below)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(change.as_str())
        .bind::<Nullable<SqlUuid>, _>(author.user)
        .bind::<Nullable<Text>, _>(author.through.as_deref());
    Ok(query.get_result::<Version>(conn).await.optional()?.map(|written| written.version))
}
