//! The SQL of revocations.

use std::time::Duration;

use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{Feed, Revocation};
use ids::Timestamp;
use service_kit::db::{self, statement};

use crate::schema::revocations;

/// Writes revocations, in the transaction that voids the tokens, and gives them back
/// for [`Revocations::hear`](identity::Revocations::hear) after the commit.
pub(crate) async fn write(
    connection: &mut AsyncPgConnection,
    voided: Vec<Revocation>,
    reason: &str,
) -> db::Result<Vec<Revocation>> {
    let (subjects, versions): (Vec<&str>, Vec<Option<i64>>) =
        voided.iter().map(|revocation| (revocation.subject.as_str(), revocation.version)).unzip();
    // Arrays, since a change of a role may concern everybody.
    statement(
        "INSERT INTO revocations (subject, version, reason) SELECT s, v, $3 FROM unnest($1, $2) AS t (s, v)",
    )
    .bind::<Array<Text>, _>(subjects)
    .bind::<Array<Nullable<BigInt>>, _>(versions)
    .bind::<Text, _>(reason)
    .execute(connection)
    .await?;
    Ok(voided)
}

/// How long revocations are kept: longer than a reader looks back when it starts.
const KEPT: Duration = Duration::from_secs(60 * 60);

/// Deletes those of tokens that have long ended; gives how many.
pub(crate) async fn prune(connection: &mut AsyncPgConnection, now: Timestamp) -> db::Result<usize> {
    let old = revocations::table.filter(revocations::created_at.lt(now - KEPT));
    Ok(diesel::delete(old).execute(connection).await?)
}

/// What is visible now and was not to the snapshot `since`. Cursor and rows are of one
/// statement, hence of one snapshot: nothing falls between them.
pub(super) async fn since(connection: &mut AsyncPgConnection, since: &str) -> db::Result<Feed> {
    let row = statement(
        "SELECT pg_current_snapshot()::text AS cursor,
                coalesce(array_agg(subject), '{}') AS subjects, coalesce(array_agg(version), '{}') AS versions
         FROM revocations
         WHERE xid >= pg_snapshot_xmax($1::pg_snapshot)
            OR xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::pg_snapshot)))",
    )
    .bind::<Text, _>(since);
    Ok(row.get_result::<Row>(connection).await?.into())
}

/// All that may void a token that still lives: those live 15 minutes at most, and a
/// transaction gets five to commit what it has written.
pub(super) async fn window(connection: &mut AsyncPgConnection) -> db::Result<Feed> {
    let row = statement(
        "SELECT pg_current_snapshot()::text AS cursor,
                coalesce(array_agg(subject), '{}') AS subjects, coalesce(array_agg(version), '{}') AS versions
         FROM revocations WHERE created_at > now() - interval '20 minutes'",
    );
    Ok(row.get_result::<Row>(connection).await?.into())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    cursor: String,
    #[diesel(sql_type = Array<Text>)]
    subjects: Vec<String>,
    #[diesel(sql_type = Array<Nullable<BigInt>>)]
    versions: Vec<Option<i64>>,
}

impl From<Row> for Feed {
    fn from(row: Row) -> Self {
        let pairs = row.subjects.into_iter().zip(row.versions);
        let revocations = pairs.map(|(subject, version)| Revocation { subject, version }).collect();
        Self { cursor: row.cursor, revocations }
    }
}
