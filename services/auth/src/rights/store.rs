//! The SQL of rights.

use std::sync::{Arc, LazyLock};

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    result::Error::NotFound,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{Credential, Principal, Refusal, Revocation};
use ids::{OrgId, Timestamp, UserId};
use service_kit::db::{self, statement};

use super::{
    LEAVING, RightsError,
    permitted::{self, Permitted},
};
use crate::{revocation, schema::users};

/// A user in one organisation, as of now.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    pub(crate) version: i64,
    pub(crate) email_verified: bool,
    pub(crate) banned_at: Option<Timestamp>,
    /// When the account goes, if its deletion waits.
    pub(crate) delete_at: Option<Timestamp>,
    /// None while the deletion waits, whatever the user has.
    pub(crate) roles: Vec<String>,
    /// What the roles permit. While the deletion of the account waits, [`LEAVING`] alone.
    pub(crate) scopes: Vec<String>,
}

impl Rights {
    /// Whether the user's API keys open anything.
    pub(crate) const fn open_keys(&self) -> bool {
        self.banned_at.is_none() && self.delete_at.is_none()
    }
}

/// What rights follow from, of a row of users `u` who has a row of memberships `m`: the
/// columns of [`Standing`].
pub(crate) const STANDING: &str = "
    u.version AS user_version, u.email_verified_at IS NOT NULL AS email_verified, u.banned_at, u.delete_at,
    ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) AS roles, m.role AS role_there,
    (SELECT id FROM role_permissions_state) AS permitted";

/// What [`STANDING`] reads.
#[derive(Debug, QueryableByName)]
pub(crate) struct Standing {
    #[diesel(sql_type = BigInt, column_name = user_version)]
    version: i64,
    #[diesel(sql_type = Bool)]
    email_verified: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    banned_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delete_at: Option<Timestamp>,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Text)]
    role_there: String,
    /// In which state of the table of permissions that is.
    #[diesel(sql_type = Uuid)]
    permitted: uuid::Uuid,
}

impl Standing {
    /// The rights that follow. What roles permit is read where this process has not yet seen
    /// it in this state, or as it is by then: who holds what changed meanwhile has an
    /// outdated version.
    pub(crate) async fn rights(self, connection: &mut AsyncPgConnection) -> db::Result<Rights> {
        let permitted = match permitted::known(self.permitted) {
            Some(permitted) => permitted,
            None => read_permitted(connection).await?,
        };
        let Self { version, email_verified, banned_at, delete_at, roles, role_there, .. } = self;
        let (roles, scopes) = if delete_at.is_some() {
            (Vec::new(), LEAVING.map(str::to_owned).to_vec())
        } else {
            let scopes = permitted.scopes(&roles, &role_there, email_verified);
            (roles, scopes)
        };
        Ok(Rights { version, email_verified, banned_at, delete_at, roles, scopes })
    }
}

async fn read_permitted(connection: &mut AsyncPgConnection) -> db::Result<Arc<Permitted>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        state: uuid::Uuid,
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Text)]
        scope: String,
        #[diesel(sql_type = Bool)]
        sensitive: bool,
    }
    let all = statement(
        "SELECT s.id AS state, coalesce(r.role, '') AS role, coalesce(p.scope, '') AS scope,
                coalesce(p.sensitive, false) AS sensitive
         FROM role_permissions_state s LEFT JOIN (role_permissions r JOIN permissions p USING (scope)) ON true",
    );
    let rows: Vec<Row> = all.load(connection).await?;
    let [Row { state, .. }, ..] = rows[..] else { return Err(NotFound.into()) };
    let permitted = Permitted::of(rows.into_iter().map(|row| (row.role, row.scope, row.sensitive)));
    Ok(permitted::keep(state, permitted))
}

/// Holds what roles permit: whoever is about to change it does this first, so that no two
/// wait for each other.
pub(crate) async fn hold_permitted(connection: &mut AsyncPgConnection) -> db::Result<()> {
    statement("SELECT FROM role_permissions_state FOR UPDATE").execute(connection).await?;
    Ok(())
}

/// What `user` may do in `org`; `None` when there is no such member.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> db::Result<Option<Rights>> {
    static FIND: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {STANDING} FROM users u JOIN memberships m ON m.user_id = u.id
             WHERE m.org_id = $1 AND u.id = $2"
        )
    });
    let found = statement(FIND.as_str()).bind::<Uuid, _>(org).bind::<Uuid, _>(user);
    match found.get_result::<Standing>(connection).await.optional()? {
        Some(standing) => standing.rights(connection).await.map(Some),
        None => Ok(None),
    }
}

/// Whose rights change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    /// Of one user.
    User(UserId),
    /// Of all members of an organisation.
    Members(OrgId),
    /// Of all who hold a role, of the platform or in an organisation.
    Holders(&'a str),
}

/// Holds all who hold the role, in the order of [`outdate`].
pub(crate) async fn hold_holders(connection: &mut AsyncPgConnection, role: &str) -> db::Result<()> {
    let held = statement(
        "SELECT id FROM users WHERE id IN (
             SELECT user_id FROM user_roles WHERE role = $1 UNION SELECT user_id FROM memberships WHERE role = $1
         ) ORDER BY id FOR NO KEY UPDATE",
    );
    held.bind::<Text, _>(role).execute(connection).await?;
    Ok(())
}

/// Gives the users the next version of their rights, in one statement, and voids the
/// tokens of those before.
pub(crate) async fn outdate(
    connection: &mut AsyncPgConnection,
    whose: Whose<'_>,
    why: &str,
) -> db::Result<Vec<Revocation>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        id: UserId,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    // Who changes several users locks them in this order.
    let next = |users: &str| {
        format!(
            "WITH theirs AS (SELECT id FROM users WHERE id IN ({users}) ORDER BY id FOR NO KEY UPDATE)
             UPDATE users u SET version = u.version + 1 FROM theirs WHERE u.id = theirs.id
             RETURNING u.id, u.version"
        )
    };
    let rows: Vec<Row> = match whose {
        Whose::User(user) => statement(next("$1")).bind::<Uuid, _>(user).load(connection).await?,
        Whose::Members(org) => {
            let members = next("SELECT user_id FROM memberships WHERE org_id = $1");
            statement(members).bind::<Uuid, _>(org).load(connection).await?
        }
        Whose::Holders(role) => {
            let holders = next(
                "SELECT user_id FROM user_roles WHERE role = $1
                 UNION SELECT user_id FROM memberships WHERE role = $1",
            );
            statement(holders).bind::<Text, _>(role).load(connection).await?
        }
    };
    let voided = rows.into_iter().map(|Row { id, version }| Revocation::of_user(id, version)).collect();
    revocation::write(connection, voided, why).await
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

/// The same, with the account held: until the transaction ends nobody else changes it, or drops
/// what hangs on it. What is made for a caller that must not outlive the end of their
/// credential (a reset of the password, say) is made behind this: whoever ends it either is
/// done, and they are refused, or waits, and finds what was made.
pub(crate) async fn hold_live(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
) -> Result<(), RightsError> {
    let held = users::table.find(caller.user).select(users::id).for_no_key_update();
    let held: Option<UserId> = held.first(connection).await.optional().map_err(db::Error::from)?;
    held.ok_or(RightsError::Ended)?;
    require_live(connection, caller).await
}

/// Refuses a user whose account is about to go, where what is made outlives that, or makes
/// the account more than it is.
pub(crate) async fn require_staying(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<(), RightsError> {
    let leaving = users::table.find(user).filter(users::delete_at.is_not_null()).select(users::id);
    let leaving: Option<UserId> = leaving.first(connection).await.optional().map_err(db::Error::from)?;
    if leaving.is_none() { Ok(()) } else { Err(RightsError::Leaving) }
}
