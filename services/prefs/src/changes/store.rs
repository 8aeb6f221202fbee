//! All SQL of changes.

use contract_prefs::NamespaceName;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, UserId};
use service_kit::db::{self, statement};
use uuid::Uuid;

use super::rules::{Known, Snapshot, Versions};

/// The most changes that one look gives.
pub(super) const MOST: usize = 1000;

/// A layer, or a namespace, that has another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Whose it is: organisation and owner; `None` for a namespace, which is everybody's.
    pub(super) owner: Option<(OrgId, Uuid)>,
    pub(super) namespace: NamespaceName,
    pub(super) version: i64,
}

/// What is news.
#[derive(Debug)]
pub(super) struct News {
    /// What was visible to this look.
    pub(super) seen: Snapshot,
    /// `None` when there is more than [`MOST`].
    pub(super) changes: Option<Vec<Change>>,
}

/// What is visible now.
pub(super) async fn now(conn: &mut AsyncPgConnection) -> db::Result<Snapshot> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        now: String,
    }
    let row: Row = statement("SELECT pg_current_snapshot()::text AS now").get_result(conn).await?;
    Ok(Snapshot::of_database(row.now))
}

/// What is visible now and was not in `seen`: its transaction began later, or ran at that
/// time. Both are found by an index. A transaction that the cluster has not come to is of
/// another one, whose tables were moved here.
pub(super) async fn news(conn: &mut AsyncPgConnection, seen: &Snapshot) -> db::Result<News> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        now: String,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        org_id: Option<OrgId>,
        #[diesel(sql_type = Nullable<SqlUuid>)]
        owner_id: Option<Uuid>,
        #[diesel(sql_type = Nullable<Text>)]
        namespace: Option<String>,
        #[diesel(sql_type = Nullable<BigInt>)]
        version: Option<i64>,
    }
    let sql = "
        SELECT pg_current_snapshot()::text AS now, org_id, owner_id, namespace, version
        FROM (VALUES (1)) AS always LEFT JOIN (
            SELECT org_id, owner_id, namespace, version FROM document_versions
            WHERE xid >= pg_snapshot_xmax($1::pg_snapshot)
              AND xid < pg_snapshot_xmax(pg_current_snapshot())
            UNION ALL
            SELECT v.org_id, v.owner_id, v.namespace, v.version
            FROM pg_snapshot_xip($1::pg_snapshot) AS running JOIN document_versions v ON v.xid = running
            UNION ALL
            SELECT NULL, NULL, name, version FROM namespaces
            WHERE NOT pg_visible_in_snapshot(xid, $1::pg_snapshot)
              AND xid < pg_snapshot_xmax(pg_current_snapshot())
            LIMIT $2
        ) AS changes ON true";
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let query = statement(sql).bind::<Text, _>(seen.as_str()).bind::<BigInt, _>(most + 1);
    let rows: Vec<Row> = query.load(conn).await?;
    let now =
        rows.as_slice().first().map_or_else(|| seen.clone(), |row| Snapshot::of_database(row.now.clone()));
    let is_too_much = rows.len() > MOST;
    let changes = rows.into_iter().filter_map(|row| {
        let (namespace, version) = (row.namespace?.parse().ok()?, row.version?);
        Some(Change { owner: row.org_id.zip(row.owner_id), namespace, version })
    });
    Ok(News { seen: now, changes: (!is_too_much).then(|| changes.collect()) })
}

/// How all of a user's documents stand.
pub(super) struct Standing {
    pub(super) now: Snapshot,
    pub(super) known: Known,
    /// Those that are others than they were in the snapshot that was asked about.
    pub(super) changed: Vec<NamespaceName>,
}

/// How the user's documents stand, and which are others than they were in `since`. All are
/// when that is a snapshot of another cluster, whose transactions count from higher on.
pub(super) async fn standing(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    since: Option<&Snapshot>,
) -> db::Result<Standing> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        now: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = BigInt)]
        namespace: i64,
        #[diesel(sql_type = BigInt)]
        organization: i64,
        #[diesel(sql_type = BigInt)]
        user: i64,
        #[diesel(sql_type = Bool)]
        changed: bool,
    }
    let sql = "
        SELECT pg_current_snapshot()::text AS now, n.name, n.version AS namespace,
               coalesce(o.version, 0) AS organization, coalesce(d.version, 0) AS \"user\",
               coalesce(pg_snapshot_xmax($3::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
                        OR NOT pg_visible_in_snapshot(n.xid, $3::pg_snapshot)
                        OR NOT pg_visible_in_snapshot(o.xid, $3::pg_snapshot)
                        OR NOT pg_visible_in_snapshot(d.xid, $3::pg_snapshot), false) AS changed
        FROM namespaces n
        LEFT JOIN documents o ON o.namespace = n.name AND o.org_id = $1 AND o.owner_id = $1
        LEFT JOIN documents d ON d.namespace = n.name AND d.org_id = $1 AND d.owner_id = $2
        ORDER BY n.name";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(user)
        .bind::<Nullable<Text>, _>(since.map(Snapshot::as_str));
    let rows: Vec<Row> = query.load(conn).await?;
    let mut standing =
        Standing { now: Snapshot::of_database("1:1:".to_owned()), known: Known::new(), changed: Vec::new() };
    for Row { now, name, namespace, organization, user, changed } in rows {
        let Ok(name) = name.parse::<NamespaceName>() else { continue };
        standing.now = Snapshot::of_database(now);
        standing.known.insert(name.clone(), Versions { namespace, organization, user });
        if changed {
            standing.changed.push(name);
        }
    }
    Ok(standing)
}
