//! All SQL of documents: each query names the organisation and the user they belong to.

use contract_prefs::{NamespaceName, PreferenceDocument};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::db::statement;

use super::{DocumentError, Held};
use crate::namespace::store::document;

/// Every namespace with the user's layer of it, if there is one. The schema is only
/// sent when the layer was last seen to fit another version of it.
const HELD: &str = "
    SELECT n.name, n.version AS namespace_version, n.defaults, d.layer, coalesce(d.version, 0) AS version,
           CASE WHEN d.fits <> n.version THEN n.schema END AS schema
    FROM namespaces n
    LEFT JOIN documents d ON d.namespace = n.name AND d.org_id = $1 AND d.user_id = $2";

/// One statement that writes and compares. A namespace or layer that has changed since
/// it was read gives no row; so does a first write that another one came before, and an
/// owner who is gone.
const WRITE: &str = "
    INSERT INTO documents AS d (org_id, user_id, namespace, layer, version, fits, updated_at)
    SELECT $1, $2, n.name, $5, $6 + 1, n.version, $7
    FROM namespaces n WHERE n.name = $3 AND n.version = $4
        AND NOT EXISTS (SELECT FROM erasures WHERE id IN ($1, $2))
    ON CONFLICT (org_id, user_id, namespace) DO UPDATE
    SET layer = excluded.layer, version = excluded.version, fits = excluded.fits,
        updated_at = excluded.updated_at
    WHERE d.version = $6
    RETURNING d.version";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    namespace_version: i64,
    #[diesel(sql_type = Jsonb)]
    defaults: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    layer: Option<Value>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    schema: Option<Value>,
}

impl TryFrom<Row> for Held {
    type Error = DocumentError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let Row { name, namespace_version, defaults, layer, version, schema } = row;
        let namespace = name.parse().map_err(crate::namespace::NamespaceError::from)?;
        let (defaults, layer) = (document(defaults), layer.map(document).unwrap_or_default());
        Ok(Self { namespace, namespace_version, defaults, layer, version, schema })
    }
}

/// What the user has in one namespace.
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

/// What the user has in every namespace.
pub(crate) async fn all(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> Result<Vec<Held>, DocumentError> {
    let query = statement(HELD).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(user);
    query.load::<Row>(conn).await?.into_iter().map(Held::try_from).collect()
}

/// Puts `layer` in the place of the one that was `held`; gives its version, or `None`
/// when something has changed since.
///
/// Relies on rows being removed with their owner alone: one that was there when `held`
/// was read is there.
pub(crate) async fn write(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    held: &Held,
    layer: &PreferenceDocument,
    now: Timestamp,
) -> Result<Option<i64>, DocumentError> {
    #[derive(QueryableByName)]
    struct Written {
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let query = statement(WRITE)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(user)
        .bind::<Text, _>(held.namespace.as_str())
        .bind::<BigInt, _>(held.namespace_version)
        .bind::<Jsonb, _>(Value::Object(layer.clone()))
        .bind::<BigInt, _>(held.version)
        .bind::<Timestamptz, _>(now);
    Ok(query.get_result::<Written>(conn).await.optional()?.map(|written| written.version))
}
