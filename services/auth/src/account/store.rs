//! The SQL of accounts.

use contract_auth::{Account, AccountChange};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, dsl, insert_into, sql_query,
    sql_types::{Array, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::db;

use super::NewAccount;
use crate::schema::{user_roles, users};

/// Makes the user, their personal organisation and their roles; whether it did. The
/// UNIQUE address decides.
///
/// An address that has an account takes the same one statement and the same commit,
/// so that time does not tell.
pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    user: UserId,
    new: &NewAccount,
    password_hash: &str,
    roles: &[&str],
    now: Timestamp,
) -> db::Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        made: bool,
    }
    let row = sql_query(
        "WITH account AS (
             INSERT INTO users (id, email, password_hash, name, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (email) DO UPDATE SET reregistered_at = excluded.created_at
             RETURNING id
         ), organization AS (
             INSERT INTO organizations (id, name, personal_of, created_at)
             SELECT $6, $7, id, $5 FROM account WHERE id = $1 RETURNING id
         ), membership AS (
             INSERT INTO memberships (org_id, user_id, role, created_at)
             SELECT id, $1, 'owner', $5 FROM organization
         ), roles AS (
             INSERT INTO user_roles (user_id, role) SELECT $1, unnest($8) FROM organization
         )
         SELECT id = $1 AS made FROM account",
    )
    .bind::<Uuid, _>(user)
    .bind::<Text, _>(new.email.as_str())
    .bind::<Text, _>(password_hash)
    .bind::<Nullable<Text>, _>(new.name.as_deref())
    .bind::<Timestamptz, _>(now)
    .bind::<Uuid, _>(OrgId::generate())
    .bind::<Text, _>(new.organization_name())
    .bind::<Array<Text>, _>(roles)
    .get_result::<Row>(connection)
    .await?;
    Ok(row.made)
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
        #[diesel(sql_type = Array<Text>)]
        roles: Vec<String>,
        #[diesel(sql_type = Timestamptz)]
        created_at: Timestamp,
        #[diesel(sql_type = Timestamptz)]
        updated_at: Timestamp,
    }
    let row = sql_query(
        "SELECT email, email_verified_at IS NOT NULL AS email_verified, name, avatar_url, locale, time_zone,
                metadata, created_at, updated_at,
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
        roles: row.roles,
        org_id: org,
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

/// Deletes the user; sessions, keys and the personal organisation go with them.
pub(super) async fn delete(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<()> {
    diesel::delete(users::table.find(user)).execute(connection).await?;
    Ok(())
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
}

/// The account with this address, with the organisation that it logs in to.
pub(crate) async fn find_for_login(
    connection: &mut AsyncPgConnection,
    email: &str,
) -> db::Result<Option<LoginRow>> {
    let row = sql_query(
        "SELECT u.id, o.id AS org_id, u.password_hash
         FROM users u JOIN organizations o ON o.personal_of = u.id WHERE u.email = $1",
    )
    .bind::<Text, _>(email)
    .get_result(connection)
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

/// Gives the user with this address a role; their tokens say so when next made. Whether
/// the address is verified; `None` when there is no such user.
pub(crate) async fn grant(
    connection: &mut AsyncPgConnection,
    email: &str,
    role: &str,
) -> db::Result<Option<bool>> {
    let user: Option<(UserId, Option<Timestamp>)> =
        diesel::update(users::table.filter(users::email.eq(email)))
            .set(users::version.eq(users::version + 1))
            .returning((users::id, users::email_verified_at))
            .get_result(connection)
            .await
            .optional()?;
    let Some((user, verified_at)) = user else { return Ok(None) };
    insert_into(user_roles::table)
        .values((user_roles::user_id.eq(user), user_roles::role.eq(role)))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(Some(verified_at.is_some()))
}

/// Marks the address as verified and lets tokens say so when next made; whether there
/// is such a user.
pub(crate) async fn verify_email(connection: &mut AsyncPgConnection, email: &str) -> db::Result<bool> {
    let marked = diesel::update(users::table.filter(users::email.eq(email)))
        .set((users::email_verified_at.eq(dsl::now), users::version.eq(users::version + 1)))
        .execute(connection)
        .await?;
    Ok(marked > 0)
}
