//! All SQL of flags: each query names the organisation they belong to.

use contract_prefs::{Flag, FlagChange, FlagDefinition, FlagId, FlagKey, FlagVersion};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::{db::statement, page::Page};

use crate::flag_set::FlagError;

/// How many versions a history shows.
const SHOWN: i64 = 100;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = SqlUuid)]
    id: FlagId,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Bool)]
    archived: bool,
    #[diesel(sql_type = Jsonb)]
    definition: Value,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl TryFrom<Row> for Flag {
    type Error = FlagError;

    fn try_from(row: Row) -> Result<Self, Self::Error> {
        let Row { key, id, version, archived, definition, created_at, updated_at } = row;
        let key = key.parse().map_err(|_why| FlagError::Broken("a key"))?;
        let definition = FlagDefinition { key: Some(key), ..read(definition)? };
        Ok(Self { id, version, archived, created_at, updated_at, definition })
    }
}

/// A page of flags, oldest first, and one more if there is more.
pub(super) async fn list(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    archived: bool,
    page: Page,
) -> Result<Vec<Flag>, FlagError> {
    let sql = "SELECT * FROM flags WHERE org_id = $1 AND archived = $2 AND ($3 IS NULL OR id > $3)
               ORDER BY id LIMIT $4";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Bool, _>(archived)
        .bind::<Nullable<SqlUuid>, _>(page.after)
        .bind::<BigInt, _>(page.rows());
    query.load::<Row>(conn).await?.into_iter().map(Flag::try_from).collect()
}

/// The flag of this key.
pub(crate) async fn find(conn: &mut AsyncPgConnection, org: OrgId, key: &FlagKey) -> Result<Flag, FlagError> {
    let query = statement("SELECT * FROM flags WHERE org_id = $1 AND key = $2")
        .bind::<SqlUuid, _>(org)
        .bind::<Text, _>(key.as_str());
    query.get_result::<Row>(conn).await.optional()?.ok_or(FlagError::Unknown("flag"))?.try_into()
}

/// How many flags there are, archived or not.
pub(super) async fn count(conn: &mut AsyncPgConnection, org: OrgId) -> Result<i64, FlagError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = statement("SELECT count(*) AS count FROM flags WHERE org_id = $1").bind::<SqlUuid, _>(org);
    Ok(query.get_result::<Count>(conn).await?.count)
}

/// Makes a flag; `None` when the key is taken.
pub(super) async fn insert(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: FlagId,
    key: &FlagKey,
    definition: &FlagDefinition,
    now: Timestamp,
) -> Result<Option<Flag>, FlagError> {
    let sql = "INSERT INTO flags (org_id, key, id, version, archived, definition, created_at, updated_at)
               VALUES ($1, $2, $3, 1, false, $4, $5, $5)
               ON CONFLICT (org_id, key) DO NOTHING RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<Text, _>(key.as_str())
        .bind::<SqlUuid, _>(id)
        .bind::<Jsonb, _>(written(definition)?)
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await.optional()?.map(Flag::try_from).transpose()
}

/// Puts a definition in the place of the one that was `held`; `None` when there is another
/// by now.
pub(super) async fn replace(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    held: &Flag,
    archived: bool,
    definition: &FlagDefinition,
    now: Timestamp,
) -> Result<Option<Flag>, FlagError> {
    let sql = "UPDATE flags SET version = version + 1, archived = $4, definition = $5, updated_at = $6
               WHERE org_id = $1 AND id = $2 AND version = $3 RETURNING *";
    let query = statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(held.id)
        .bind::<BigInt, _>(held.version)
        .bind::<Bool, _>(archived)
        .bind::<Jsonb, _>(written(definition)?)
        .bind::<Timestamptz, _>(now);
    query.get_result::<Row>(conn).await.optional()?.map(Flag::try_from).transpose()
}

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    change: String,
    #[diesel(sql_type = SqlUuid)]
    changed_by: UserId,
    #[diesel(sql_type = Timestamptz)]
    changed_at: Timestamp,
    #[diesel(sql_type = Jsonb)]
    definition: Value,
}

impl TryFrom<VersionRow> for FlagVersion {
    type Error = FlagError;

    fn try_from(row: VersionRow) -> Result<Self, Self::Error> {
        let VersionRow { version, change, changed_by, changed_at, definition } = row;
        Ok(Self {
            version,
            change: read(Value::String(change))?,
            changed_by,
            changed_at,
            definition: read(definition)?,
        })
    }
}

/// Notes what a flag says from now on.
pub(super) async fn note(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    flag: &Flag,
    change: FlagChange,
    by: UserId,
) -> Result<(), FlagError> {
    let sql =
        "INSERT INTO flag_versions (org_id, flag_id, version, change, definition, changed_by, changed_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    statement(sql)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(flag.id)
        .bind::<BigInt, _>(flag.version)
        .bind::<Text, _>(word(change))
        .bind::<Jsonb, _>(written(&flag.definition)?)
        .bind::<SqlUuid, _>(by)
        .bind::<Timestamptz, _>(flag.updated_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The newest versions of a flag, newest first.
pub(super) async fn history(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    key: &FlagKey,
) -> Result<Vec<FlagVersion>, FlagError> {
    let sql = "SELECT v.* FROM flag_versions v JOIN flags f ON f.id = v.flag_id
               WHERE f.org_id = $1 AND f.key = $2 ORDER BY v.version DESC LIMIT $3";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<Text, _>(key.as_str()).bind::<BigInt, _>(SHOWN);
    query.load::<VersionRow>(conn).await?.into_iter().map(FlagVersion::try_from).collect()
}

/// One version of a flag.
pub(super) async fn version(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    id: FlagId,
    version: i64,
) -> Result<FlagVersion, FlagError> {
    let sql = "SELECT * FROM flag_versions WHERE org_id = $1 AND flag_id = $2 AND version = $3";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(id).bind::<BigInt, _>(version);
    let row: Option<VersionRow> = query.get_result(conn).await.optional()?;
    row.ok_or(FlagError::Unknown("version"))?.try_into()
}

/// As it is written in JSON, too.
const fn word(change: FlagChange) -> &'static str {
    match change {
        FlagChange::Created => "created",
        FlagChange::Updated => "updated",
        FlagChange::Archived => "archived",
        FlagChange::Restored => "restored",
    }
}

fn written<T: serde::Serialize>(value: &T) -> Result<Value, FlagError> {
    serde_json::to_value(value).map_err(|_why| FlagError::Broken("a definition"))
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, FlagError> {
    serde_json::from_value(value).map_err(|_why| FlagError::Broken("a definition"))
}
