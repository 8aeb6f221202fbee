//! The SQL of users who are administered.

use std::collections::BTreeSet;

use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, insert_into};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::Revocation;
use ids::{Timestamp, UserId};
use service_kit::db;

use super::{UserError, rules};
use crate::{
    revocation,
    schema::{roles, user_roles, users},
    session,
};

/// The user with this address.
pub(crate) async fn find(connection: &mut AsyncPgConnection, email: &str) -> db::Result<Option<UserId>> {
    let found = users::table.filter(users::email.eq(email)).select(users::id);
    Ok(found.first(connection).await.optional()?)
}

/// Bans the user, ends their sessions and voids their tokens; changes nothing for who
/// is banned already.
pub(crate) async fn ban(
    connection: &mut AsyncPgConnection,
    user: UserId,
    why: &str,
    now: Timestamp,
) -> Result<Vec<Revocation>, UserError> {
    if lock(connection, user).await?.is_some() {
        return Ok(Vec::new());
    }
    let version = diesel::update(users::table.find(user))
        .set((
            users::banned_at.eq(now),
            users::banned_why.eq(why),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(users::version)
        .get_result(connection)
        .await
        .map_err(db::Error::from)?;
    session::store::end_all(connection, user, "ban", now).await?;
    Ok(revocation::write(connection, vec![Revocation::of_user(user, version)], "ban").await?)
}

/// Lets the user in again; whether they were banned.
pub(crate) async fn unban(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> Result<bool, UserError> {
    if lock(connection, user).await?.is_none() {
        return Ok(false);
    }
    diesel::update(users::table.find(user))
        .set((
            users::banned_at.eq(None::<Timestamp>),
            users::banned_why.eq(None::<&str>),
            users::updated_at.eq(now),
        ))
        .execute(connection)
        .await
        .map_err(db::Error::from)?;
    Ok(true)
}

/// Gives the user exactly these roles and voids their tokens; changes nothing for who
/// has them already.
pub(crate) async fn set_roles(
    connection: &mut AsyncPgConnection,
    user: UserId,
    wanted: &BTreeSet<String>,
) -> Result<Vec<Revocation>, UserError> {
    lock(connection, user).await?;
    let held = roles_of(connection, user).await?;
    if held == *wanted {
        return Ok(Vec::new());
    }
    let unknown = unknown(connection, wanted).await?;
    if !unknown.is_empty() {
        return Err(rules::unknown_roles(&unknown));
    }
    diesel::delete(user_roles::table)
        .filter(user_roles::user_id.eq(user).and(user_roles::role.ne_all(wanted)))
        .execute(connection)
        .await
        .map_err(db::Error::from)?;
    let rows: Vec<_> = wanted
        .difference(&held)
        .map(|role| (user_roles::user_id.eq(user), user_roles::role.eq(role)))
        .collect();
    insert_into(user_roles::table).values(rows).execute(connection).await.map_err(db::Error::from)?;
    let version = diesel::update(users::table.find(user))
        .set((users::version.eq(users::version + 1), users::updated_at.eq(diesel::dsl::now)))
        .returning(users::version)
        .get_result(connection)
        .await
        .map_err(db::Error::from)?;
    Ok(revocation::write(connection, vec![Revocation::of_user(user, version)], "role change").await?)
}

/// The roles that the user has.
pub(crate) async fn roles_of(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<BTreeSet<String>> {
    let held = user_roles::table.filter(user_roles::user_id.eq(user)).select(user_roles::role);
    Ok(held.load::<String>(connection).await?.into_iter().collect())
}

/// Whether the address of the user is verified.
pub(crate) async fn is_verified(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<bool> {
    let at = users::table.find(user).select(users::email_verified_at);
    Ok(at.first::<Option<Timestamp>>(connection).await?.is_some())
}

async fn unknown(connection: &mut AsyncPgConnection, wanted: &BTreeSet<String>) -> db::Result<Vec<String>> {
    let known: Vec<String> =
        roles::table.filter(roles::name.eq_any(wanted)).select(roles::name).load(connection).await?;
    Ok(wanted.iter().filter(|role| !known.contains(role)).cloned().collect())
}

/// Since when the user is banned; until the transaction ends nobody else changes them.
async fn lock(connection: &mut AsyncPgConnection, user: UserId) -> Result<Option<Timestamp>, UserError> {
    let found: Option<Option<Timestamp>> = users::table
        .find(user)
        .select(users::banned_at)
        .for_update()
        .first(connection)
        .await
        .optional()
        .map_err(db::Error::from)?;
    found.ok_or(UserError::Unknown)
}
