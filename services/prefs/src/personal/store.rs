//! All SQL of what is about a user as a whole: each query names them.

use std::collections::BTreeMap;

use contract_prefs::{
    ExportedDocument, NamespaceName, NotAName, PreferenceVersion, events::PreferencesChanged,
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::db::{self, statement};

use crate::{
    document::store::Author,
    history,
    namespace::{NamespaceError, store::document},
};

#[derive(QueryableByName)]
struct DocumentRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: OrgId,
    #[diesel(sql_type = Text)]
    namespace: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Jsonb)]
    layer: Value,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = SqlUuid)]
    org_id: OrgId,
    #[diesel(sql_type = Text)]
    namespace: String,
    #[diesel(embed)]
    version: history::store::Row,
}

type Histories = BTreeMap<(OrgId, String), Vec<PreferenceVersion>>;

/// Every layer of the user's own with its history, in one organisation or in all.
pub(super) async fn all(
    conn: &mut AsyncPgConnection,
    user: UserId,
    org: Option<OrgId>,
) -> Result<Vec<ExportedDocument>, NamespaceError> {
    let sql = "SELECT org_id, namespace, version, layer, updated_at FROM documents
               WHERE owner_id = $1 AND ($2 IS NULL OR org_id = $2) ORDER BY org_id, namespace";
    let query = statement(sql).bind::<SqlUuid, _>(user).bind::<Nullable<SqlUuid>, _>(org);
    let rows: Vec<DocumentRow> = query.load(conn).await?;
    let mut histories = histories(conn, user, org).await?;
    let exported = |row: DocumentRow| {
        let history = histories.remove(&(row.org_id, row.namespace.clone())).unwrap_or_default();
        let DocumentRow { org_id, namespace, version, layer, updated_at } = row;
        let (namespace, overrides) = (namespace.parse()?, document(layer));
        Ok(ExportedDocument { org_id, namespace, version, overrides, updated_at, history })
    };
    rows.into_iter().map(exported).collect()
}

async fn histories(conn: &mut AsyncPgConnection, user: UserId, org: Option<OrgId>) -> db::Result<Histories> {
    let sql = "SELECT * FROM document_versions
               WHERE owner_id = $1 AND ($2 IS NULL OR org_id = $2) ORDER BY version DESC";
    let query = statement(sql).bind::<SqlUuid, _>(user).bind::<Nullable<SqlUuid>, _>(org);
    let rows: Vec<VersionRow> = query.load(conn).await?;
    let mut histories = Histories::new();
    for row in rows {
        histories.entry((row.org_id, row.namespace)).or_default().push(row.version.into());
    }
    Ok(histories)
}

/// Takes back all of the user's overrides in the organisation and forgets what they were,
/// in the caller's transaction. The rows stay, so that no version comes twice.
pub(crate) async fn erase(
    conn: &mut AsyncPgConnection,
    org_id: OrgId,
    user_id: UserId,
    author: &Author,
    now: Timestamp,
) -> Result<(), NamespaceError> {
    #[derive(QueryableByName)]
    struct Erased {
        #[diesel(sql_type = Text)]
        namespace: String,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let sql = "
        WITH erased AS (
            UPDATE documents d
            SET layer = '{}', version = d.version + 1, fits = n.version, updated_at = $3,
                xid = pg_current_xact_id()
            FROM namespaces n
            WHERE n.name = d.namespace AND d.org_id = $1 AND d.owner_id = $2
            RETURNING d.*
        ), recorded AS (
            INSERT INTO document_versions
                (org_id, owner_id, namespace, version, change, layer, locks, fits, changed_by, through, changed_at)
            SELECT org_id, owner_id, namespace, version, 'erased', layer, locks, fits, $4, $5, updated_at
            FROM erased
        )
        SELECT namespace, version FROM erased ORDER BY namespace";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org_id)
        .bind::<SqlUuid, _>(user_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<SqlUuid>, _>(author.user)
        .bind::<Nullable<Text>, _>(author.through.as_deref());
    let erased: Vec<Erased> = query.load(conn).await?;
    // A statement of its own: it sees what was written until the rows were locked.
    let forget = "
        DELETE FROM document_versions v USING documents d
        WHERE d.org_id = $1 AND d.owner_id = $2 AND v.org_id = $1 AND v.owner_id = $2
          AND v.namespace = d.namespace AND v.version < d.version";
    statement(forget).bind::<SqlUuid, _>(org_id).bind::<SqlUuid, _>(user_id).execute(conn).await?;
    for Erased { namespace, version } in erased {
        let namespace: NamespaceName =
            namespace.parse().map_err(|why: NotAName| NamespaceError::from(why))?;
        events::publish(conn, &PreferencesChanged { org_id, user_id, namespace, version }).await?;
    }
    Ok(())
}
