//! All SQL of the set as a whole.

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::Principal;
use ids::OrgId;
use service_kit::db::{self, statement};

use super::{CHANNEL, FlagError};

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Locks the caller's set for a change until the transaction ends; gives its new version.
/// Refused for an owner who is gone.
pub(crate) async fn begin(conn: &mut AsyncPgConnection, caller: &Principal) -> Result<i64, FlagError> {
    let sql = "
        INSERT INTO flag_sets AS s (org_id, version, salt)
        SELECT $1, 1, uuid_send(gen_random_uuid())
        WHERE NOT EXISTS (SELECT FROM erasures WHERE id IN ($1, $2))
        ON CONFLICT (org_id) DO UPDATE SET version = s.version + 1
        RETURNING version";
    let query = statement(sql).bind::<SqlUuid, _>(caller.org).bind::<SqlUuid, _>(caller.user);
    let begun: Option<Version> = query.get_result(conn).await.optional()?;
    let begun = begun.ok_or(FlagError::OwnerGone)?;
    tell(conn, caller.org).await?;
    Ok(begun.version)
}

/// Erases the set with all that belongs to it.
pub(crate) async fn erase(conn: &mut AsyncPgConnection, org: OrgId) -> db::Result<()> {
    statement("DELETE FROM flag_sets WHERE org_id = $1").bind::<SqlUuid, _>(org).execute(conn).await?;
    tell(conn, org).await
}

/// Tells every replica when the transaction commits.
async fn tell(conn: &mut AsyncPgConnection, org: OrgId) -> db::Result<()> {
    let notify = statement("SELECT pg_notify($1, $2)").bind::<Text, _>(CHANNEL);
    notify.bind::<Text, _>(org.to_string()).execute(conn).await?;
    Ok(())
}
