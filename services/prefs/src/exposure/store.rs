//! All SQL of exposures.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Binary, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::db::{self, statement};

use super::Seen;

/// Writes what was seen, each once a day; of experiments that are gone, nothing.
pub(super) async fn insert(conn: &mut AsyncPgConnection, seen: &BTreeSet<Seen>) -> db::Result<()> {
    let sql = "
        INSERT INTO exposures (org_id, experiment_id, variant, subject, day)
        SELECT e.org_id, e.id, seen.variant, seen.subject, DATE '1970-01-01' + seen.day
        FROM unnest($1, $2, $3, $4, $5) AS seen (org_id, experiment_id, variant, subject, day)
        JOIN experiments e ON e.id = seen.experiment_id AND e.org_id = seen.org_id
        ON CONFLICT DO NOTHING";
    statement(sql)
        .bind::<Array<SqlUuid>, _>(seen.iter().map(|seen| seen.org.uuid()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(seen.iter().map(|seen| seen.experiment.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(seen.iter().map(|seen| seen.variant.as_str()).collect::<Vec<_>>())
        .bind::<Array<Binary>, _>(seen.iter().map(|seen| &seen.subject[..]).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(seen.iter().map(|seen| seen.day).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(())
}
