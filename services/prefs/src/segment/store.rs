//! All SQL of segments: each query names the organisation they belong to.

use contract_prefs::{FlagKey, NewSegment, Segment, SegmentId};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp};
use serde_json::Value;
use service_kit::{db::statement, page::Page};

use crate::flag_set::FlagError;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: SegmentId,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Jsonb)]
    condition: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl TryFrom<Row> for Segment {
    type Error = FlagError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let Row { id, key, version, description, condition, created_at, updated_at } = row;
        let key = key.parse().map_err(|_why| FlagError::Broken("a key"))?;
        let when = serde_json::from_value(condition).map_err(|_why| FlagError::Broken("a condition"))?;
        Ok(Self { id, key, version, description, when, created_at, updated_at })
    }
}

/// A page of segments, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> Result<Vec<Segment>, FlagError> {
    let sql =
        "SELECT * FROM flag_segments WHERE org_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    query.load::<Row>(conn).await?.into_iter().map(Segment::try_from).collect()
}

/// The segment of this key.
pub(super) async fn find(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    key: &FlagKey,
) -> Result<Option<Segment>, FlagError> {
    let query = statement("SELECT * FROM flag_segments WHERE org_id = $1 AND key = $2")
        .bind::<SqlUuid, _>(org)
        .bind::<Text, _>(key.as_str());
    query.get_result::<Row>(conn).await.optional()?.map(Segment::try_from).transpose()
}

/// How many there are.
pub(super) async fn count(conn: &mut AsyncPgConnection, org: OrgId) -> Result<i64, FlagError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = statement("SELECT count(*) AS count FROM flag_segments WHERE org_id = $1");
    Ok(query.bind::<SqlUuid, _>(org).get_result::<Count>(conn).await?.count)
}

/// Writes a segment, which the caller of this has looked at under the lock of the set.
pub(super) async fn write(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    key: &FlagKey,
    version: i64,
    new: &NewSegment,
    now: Timestamp,
) -> Result<Segment, FlagError> {
    let sql = "
        INSERT INTO flag_segments (org_id, key, id, version, description, condition, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT (org_id, key) DO UPDATE
        SET version = excluded.version, description = excluded.description,
            condition = excluded.condition, updated_at = excluded.updated_at
        RETURNING *";
    let condition = serde_json::to_value(&new.when).map_err(|_why| FlagError::Broken("a condition"))?;
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Text, _>(key.as_str())
        .bind::<SqlUuid, _>(SegmentId::generate())
        .bind::<BigInt, _>(version)
        .bind::<Text, _>(&new.description)
        .bind::<Jsonb, _>(condition)
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await?.try_into()
}

/// Deletes a segment.
pub(super) async fn delete(conn: &mut AsyncPgConnection, org: OrgId, id: SegmentId) -> Result<(), FlagError> {
    let query = statement("DELETE FROM flag_segments WHERE org_id = $1 AND id = $2");
    query.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).execute(conn).await?;
    Ok(())
}
