//! The SQL of accounts.

use contract_auth::{Account, AccountChange};
use diesel::{
    ExpressionMethods, OptionalExtension, PgExpressionMethods, QueryDsl, Queryable, QueryableByName,
    Selectable, SelectableHelper, dsl,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::db::{self, statement};

use super::NewAccount;
use crate::schema::{organizations, users};

/// The user who has an address now: a new one, or whoever had it.
#[derive(QueryableByName)]
pub(super) struct Holder {
    #[diesel(sql_type = Uuid)]
    pub(super) id: UserId,
    #[diesel(sql_type = BigInt)]
    pub(super) revision: i64,
    /// The personal organisation of whoever had it.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub(super) org_id: Option<OrgId>,
}

/// The personal organisation of a user.
pub(crate) async fn personal_organization(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<OrgId>> {
    let personal = organizations::table.filter(organizations::personal_of.eq(user)).select(organizations::id);
    Ok(personal.first(connection).await.optional()?)
}

/// Makes the user, their personal organisation and their roles, unless the address has
/// an account, whose owner then takes their next revision: the UNIQUE address decides.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    (user, org): (UserId, OrgId),
    new: &NewAccount,
    password_hash: &str,
    roles: &[&str],
    now: Timestamp,
) -> db::Result<Holder> {
    let holder = statement(
        "WITH account AS (
             INSERT INTO users (id, email, password_hash, name, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (email) DO UPDATE SET revision = users.revision + 1
             RETURNING id, revision
         ), organization AS (
             INSERT INTO organizations (id, name, personal_of, created_at)
             SELECT $6, $7, id, $5 FROM account WHERE id = $1 RETURNING id
         ), membership AS (
             INSERT INTO memberships (org_id, user_id, role, created_at)
             SELECT id, $1, 'owner', $5 FROM organization
         ), roles AS (
             INSERT INTO user_roles (user_id, role) SELECT $1, unnest($8) FROM organization
         )
         SELECT id, revision, (SELECT o.id FROM organizations o WHERE o.personal_of = account.id) AS org_id
         FROM account",
    )
    .bind::<Uuid, _>(user)
    .bind::<Text, _>(new.email.as_str())
    .bind::<Text, _>(password_hash)
    .bind::<Nullable<Text>, _>(new.name.as_deref())
    .bind::<Timestamptz, _>(now)
    .bind::<Uuid, _>(org)
    .bind::<Text, _>(new.organization_name())
    .bind::<Array<Text>, _>(roles);
    Ok(holder.get_result(connection).await?)
}

/// Notes that somebody tried to register the user's address again.
pub(super) async fn note_reregistration(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> db::Result<()> {
    let noted = diesel::update(users::table.find(user)).set(users::reregistered_at.eq(now));
    noted.execute(connection).await?;
    Ok(())
}

/// A user as their events name them.
#[derive(QueryableByName)]
pub(super) struct Told {
    /// The next revision.
    #[diesel(sql_type = BigInt)]
    pub(super) revision: i64,
    /// Their personal organisation.
    #[diesel(sql_type = Uuid)]
    pub(super) org_id: OrgId,
}

/// Takes the next revision of the user: what an event of theirs carries. Until the
/// transaction ends, nobody else publishes one. `None`: there is no such user.
pub(super) async fn next_revision(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<Told>> {
    let told = statement(
        "UPDATE users SET revision = revision + 1 WHERE id = $1
         RETURNING revision, (SELECT id FROM organizations WHERE personal_of = $1) AS org_id",
    );
    Ok(told.bind::<Uuid, _>(user).get_result(connection).await.optional()?)
}

/// What a user sees of their own account, acting in `org`.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> db::Result<Option<Account>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        email: String,
        #[diesel(sql_type = Bool)]
        email_verified: bool,
        #[diesel(sql_type = Nullable<Text>)]
        name: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        avatar_url: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        locale: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        time_zone: Option<String>,
        #[diesel(sql_type = Jsonb)]
        metadata: Value,
        #[diesel(sql_type = Jsonb)]
        app_metadata: Value,
        #[diesel(sql_type = Array<Text>)]
        roles: Vec<String>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        delete_at: Option<Timestamp>,
        #[diesel(sql_type = Timestamptz)]
        created_at: Timestamp,
        #[diesel(sql_type = Timestamptz)]
        updated_at: Timestamp,
    }
    let row = statement(
        "SELECT email, email_verified_at IS NOT NULL AS email_verified, name, avatar_url, locale, time_zone,
                metadata, app_metadata, delete_at, created_at, updated_at,
                ARRAY(SELECT role FROM user_roles r WHERE r.user_id = u.id ORDER BY role) AS roles
         FROM users u WHERE id = $1",
    )
    .bind::<Uuid, _>(user)
    .get_result::<Row>(connection)
    .await
    .optional()?;
    Ok(row.map(|row| Account {
        id: user,
        email: row.email,
        email_verified: row.email_verified,
        name: row.name,
        avatar_url: row.avatar_url,
        locale: row.locale,
        time_zone: row.time_zone,
        metadata: row.metadata.as_object().cloned().unwrap_or_default(),
        app_metadata: row.app_metadata.as_object().cloned().unwrap_or_default(),
        roles: row.roles,
        org_id: org,
        delete_at: row.delete_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

/// Changes what is named in `change`, in one statement.
pub(super) async fn update(
    connection: &mut AsyncPgConnection,
    user: UserId,
    change: &AccountChange,
    now: Timestamp,
) -> db::Result<()> {
    let AccountChange { name, avatar_url, locale, time_zone, metadata } = change;
    diesel::update(users::table.find(user))
        .set((
            name.as_ref().map(|value| users::name.eq(value.as_deref())),
            avatar_url.as_ref().map(|value| users::avatar_url.eq(value.as_deref())),
            locale.as_ref().map(|value| users::locale.eq(value.as_deref())),
            time_zone.as_ref().map(|value| users::time_zone.eq(value.as_deref())),
            metadata.as_ref().map(|value| users::metadata.eq(Value::Object(value.clone()))),
            users::updated_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// A user who is no more, as of the end.
#[derive(QueryableByName)]
pub(super) struct Gone {
    #[diesel(sql_type = BigInt)]
    pub(super) version: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) revision: i64,
    #[diesel(sql_type = Uuid)]
    pub(super) org_id: OrgId,
    #[diesel(sql_type = BigInt)]
    pub(super) org_revision: i64,
}

/// Deletes the user; sessions, keys and the personal organisation go with them.
pub(super) async fn delete(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Gone>> {
    let gone = statement(
        "DELETE FROM users u USING organizations o WHERE u.id = $1 AND o.personal_of = u.id
         RETURNING u.version, u.revision, o.id AS org_id, o.revision AS org_revision",
    );
    Ok(gone.bind::<Uuid, _>(user).get_result(connection).await.optional()?)
}

/// What a login needs of the account with this address.
#[derive(QueryableByName)]
pub(crate) struct LoginRow {
    #[diesel(sql_type = Uuid)]
    pub(crate) id: UserId,
    #[diesel(sql_type = Uuid)]
    pub(crate) org_id: OrgId,
    #[diesel(sql_type = Nullable<Text>)]
    pub(crate) password_hash: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) password_changed_at: Option<Timestamp>,
    /// Which version of the row this is: the transaction that wrote it.
    #[diesel(sql_type = Text)]
    pub(crate) as_found: String,
}

impl LoginRow {
    /// The hash of the password, if there is one.
    pub(crate) fn phc(&self) -> Option<String> {
        self.password_hash.clone()
    }
}

/// The account with this address, with the organisation that it logs in to.
pub(crate) async fn find_for_login(
    mut connection: &AsyncPgConnection,
    email: &str,
) -> db::Result<Option<LoginRow>> {
    let row = statement(
        "SELECT u.id, o.id AS org_id, u.password_hash, u.password_changed_at, u.xmin::text AS as_found
         FROM users u JOIN organizations o ON o.personal_of = u.id WHERE u.email = $1",
    )
    .bind::<Text, _>(email)
    .get_result(&mut connection)
    .await
    .optional()?;
    Ok(row)
}

/// Keeps a hash made at today's cost, unless the password was changed meanwhile.
pub(crate) async fn rehash(
    connection: &mut AsyncPgConnection,
    user: UserId,
    old: &str,
    new: &str,
) -> db::Result<()> {
    diesel::update(users::table.find(user))
        .filter(users::password_hash.eq(old))
        .set(users::password_hash.eq(new))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether the user's password was last changed then; until the transaction ends it
/// stays so, and the user is neither banned nor deleted. A login that was overtaken
/// by a change of the password opens no session.
pub(crate) async fn hold_password(
    connection: &mut AsyncPgConnection,
    user: UserId,
    changed_at: Option<Timestamp>,
) -> db::Result<bool> {
    let held: Option<UserId> = users::table
        .find(user)
        .filter(users::password_changed_at.is_not_distinct_from(changed_at))
        .select(users::id)
        .for_share()
        .first(connection)
        .await
        .optional()?;
    Ok(held.is_some())
}

/// Holds the user, if there is one, as [`hold_password`] does.
pub(crate) async fn hold(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<()> {
    let held = users::table.find(user).select(users::id).for_share();
    let _: Option<UserId> = held.first(connection).await.optional()?;
    Ok(())
}

/// Replaces the password, if it is still the one with the hash `old`; gives the next
/// version of the user's rights, so that what was issued before is void.
pub(super) async fn replace_password(
    connection: &mut AsyncPgConnection,
    user: UserId,
    old: &str,
    new: &str,
) -> db::Result<Option<i64>> {
    let version = diesel::update(users::table.find(user))
        .filter(users::password_hash.eq(old))
        .set((
            users::password_hash.eq(new),
            users::password_changed_at.eq(dsl::now),
            users::version.eq(users::version + 1),
            users::updated_at.eq(dsl::now),
        ))
        .returning(users::version)
        .get_result(connection)
        .await
        .optional()?;
    Ok(version)
}

/// What a new password must not be made of, and the hash of the current one.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub(crate) struct PasswordRow {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
    pub(crate) password_hash: Option<String>,
}

pub(crate) async fn find_password(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<PasswordRow>> {
    Ok(users::table.find(user).select(PasswordRow::as_select()).first(connection).await.optional()?)
}

/// Marks the address as verified, if it was not; gives the next version of the user's rights.
pub(super) async fn verify_email(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<i64>> {
    let version = diesel::update(users::table.find(user).filter(users::email_verified_at.is_null()))
        .set((users::email_verified_at.eq(dsl::now), users::version.eq(users::version + 1)))
        .returning(users::version)
        .get_result(connection)
        .await
        .optional()?;
    Ok(version)
}
