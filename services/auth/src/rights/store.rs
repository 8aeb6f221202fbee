//! The SQL of rights.

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{Credential, Principal, Refusal};
use ids::{OrgId, Timestamp, UserId};
use service_kit::db::{self, statement};

use super::{Rights, RightsError};

/// What `user` may do in `org`; `None` when there is no such member.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> db::Result<Option<Rights>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        version: i64,
        #[diesel(sql_type = Bool)]
        email_verified: bool,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        banned_at: Option<Timestamp>,
        #[diesel(sql_type = Array<Text>)]
        roles: Vec<String>,
        #[diesel(sql_type = Array<Text>)]
        scopes: Vec<String>,
    }
    let row = statement(
        "SELECT u.version, u.email_verified_at IS NOT NULL AS email_verified, u.banned_at,
                ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) AS roles,
                ARRAY(SELECT DISTINCT p.scope
                      FROM user_roles r
                      JOIN role_permissions USING (role)
                      JOIN permissions p USING (scope)
                      WHERE r.user_id = u.id AND (u.email_verified_at IS NOT NULL OR NOT p.sensitive)
                      ORDER BY p.scope) AS scopes
         FROM users u JOIN memberships m ON m.user_id = u.id
         WHERE m.org_id = $1 AND u.id = $2",
    )
    .bind::<Uuid, _>(org)
    .bind::<Uuid, _>(user)
    .get_result::<Row>(connection)
    .await
    .optional()?;
    Ok(row.map(|Row { version, email_verified, banned_at, roles, scopes }| Rights {
        version,
        email_verified,
        banned_at,
        roles,
        scopes,
    }))
}

/// Refuses a caller whose session or key ended, or whose rights changed, after the token
/// was made: what the feed of revocations will say, in the caller's own transaction.
pub(crate) async fn require_live(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
) -> Result<(), RightsError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        live: bool,
        #[diesel(sql_type = Bool)]
        banned: bool,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    let (sql, id, outdated) = match caller.credential {
        Credential::Session(id) => (
            "SELECT c.revoked_at IS NULL AND c.expires_at > now() AS live, u.banned_at IS NOT NULL AS banned, u.version
             FROM sessions c JOIN users u ON u.id = c.user_id WHERE c.user_id = $1 AND c.id = $2",
            id.uuid(),
            Refusal::Revoked,
        ),
        // Only services draw tokens from a grant, and never for auth.
        Credential::Grant(_) => return Err(RightsError::Ended),
        Credential::ApiKey(id) => (
            "SELECT coalesce(c.expires_at > now(), true) AS live, u.banned_at IS NOT NULL AS banned, u.version
             FROM api_keys c JOIN users u ON u.id = c.user_id WHERE c.user_id = $1 AND c.id = $2",
            id.uuid(),
            Refusal::RightsChanged,
        ),
    };
    let row = statement(sql)
        .bind::<Uuid, _>(caller.user)
        .bind::<Uuid, _>(id)
        .get_result::<Row>(connection)
        .await
        .optional()
        .map_err(db::Error::from)?;
    match row {
        Some(Row { banned: true, .. }) => Err(RightsError::Banned),
        Some(Row { live: false, .. }) | None => Err(RightsError::Ended),
        Some(Row { version, .. }) if version > caller.versions.0 => Err(RightsError::Outdated(outdated)),
        Some(_) => Ok(()),
    }
}
