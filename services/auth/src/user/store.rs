//! The SQL of users who are administered.

use std::collections::BTreeSet;

use contract_auth::UserChange;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, dsl, insert_into,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Timestamp, UserId};
use serde_json::Value;
use service_kit::db;

use super::rules::ADMINISTRATOR;
use crate::schema::{roles, user_roles, users};

/// The user with this address.
pub(crate) async fn find(connection: &mut AsyncPgConnection, email: &str) -> db::Result<Option<UserId>> {
    let found = users::table.filter(users::email.eq(email)).select(users::id);
    Ok(found.first(connection).await.optional()?)
}

/// How a user stands.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Standing {
    banned_at: Option<Timestamp>,
    email_verified_at: Option<Timestamp>,
}

impl Standing {
    pub(crate) const fn is_banned(&self) -> bool {
        self.banned_at.is_some()
    }

    pub(crate) const fn is_verified(&self) -> bool {
        self.email_verified_at.is_some()
    }
}

/// How the user stands; until the transaction ends nobody else changes them.
pub(crate) async fn lock(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Standing>> {
    let standing = users::table.find(user).select(Standing::as_select()).for_update();
    Ok(standing.first(connection).await.optional()?)
}

/// Bans the user; gives the next version of their rights.
pub(super) async fn ban(
    connection: &mut AsyncPgConnection,
    user: UserId,
    why: &str,
    now: Timestamp,
) -> db::Result<i64> {
    let version = diesel::update(users::table.find(user))
        .set((
            users::banned_at.eq(now),
            users::banned_why.eq(why),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(users::version)
        .get_result(connection)
        .await?;
    Ok(version)
}

/// Ends the user's ban.
pub(super) async fn unban(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> db::Result<()> {
    diesel::update(users::table.find(user))
        .set((
            users::banned_at.eq(None::<Timestamp>),
            users::banned_why.eq(None::<&str>),
            users::updated_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// The roles that the user has.
pub(crate) async fn roles_of(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<BTreeSet<String>> {
    let held = user_roles::table.filter(user_roles::user_id.eq(user)).select(user_roles::role);
    Ok(held.load::<String>(connection).await?.into_iter().collect())
}

/// Those that are no roles of the platform.
pub(super) async fn unknown_roles(
    connection: &mut AsyncPgConnection,
    wanted: &BTreeSet<String>,
) -> db::Result<Vec<String>> {
    let known = roles::table.filter(roles::kind.eq("platform").and(roles::name.eq_any(wanted)));
    let known = known.select(roles::name);
    let known: Vec<String> = known.load(connection).await?;
    Ok(wanted.iter().filter(|role| !known.contains(role)).cloned().collect())
}

/// Gives the user exactly these roles; gives the next version of their rights.
pub(super) async fn set_roles(
    connection: &mut AsyncPgConnection,
    user: UserId,
    wanted: &BTreeSet<String>,
) -> db::Result<i64> {
    diesel::delete(user_roles::table)
        .filter(user_roles::user_id.eq(user).and(user_roles::role.ne_all(wanted)))
        .execute(connection)
        .await?;
    let row = |role| (user_roles::user_id.eq(user), user_roles::role.eq(role));
    insert_into(user_roles::table)
        .values(wanted.iter().map(row).collect::<Vec<_>>())
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    let version = diesel::update(users::table.find(user))
        .set((users::version.eq(users::version + 1), users::updated_at.eq(dsl::now)))
        .returning(users::version)
        .get_result(connection)
        .await?;
    Ok(version)
}

/// Changes what is named in `change`, but for whether the address is verified.
pub(super) async fn update(
    connection: &mut AsyncPgConnection,
    user: UserId,
    change: &UserChange,
    now: Timestamp,
) -> db::Result<()> {
    diesel::update(users::table.find(user))
        .set((
            change.name.as_ref().map(|name| users::name.eq(name.as_deref())),
            change.app_metadata.as_ref().map(|kept| users::app_metadata.eq(Value::Object(kept.clone()))),
            users::updated_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks the user's address as verified then, or as not; gives the next version of their
/// rights.
pub(super) async fn set_verified(
    connection: &mut AsyncPgConnection,
    user: UserId,
    at: Option<Timestamp>,
) -> db::Result<i64> {
    let version = diesel::update(users::table.find(user))
        .set((users::email_verified_at.eq(at), users::version.eq(users::version + 1)))
        .returning(users::version)
        .get_result(connection)
        .await?;
    Ok(version)
}

/// Moves the user's rights on to their next version: tokens that carry a lower one are void.
pub(super) async fn next_version(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<i64> {
    let moved = diesel::update(users::table.find(user)).set(users::version.eq(users::version + 1));
    Ok(moved.returning(users::version).get_result(connection).await?)
}

/// Whether the user administers, in effect: neither banned nor with an address that was
/// never verified.
pub(super) async fn administers(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<bool> {
    let found = user_roles::table
        .inner_join(users::table)
        .filter(user_roles::role.eq(ADMINISTRATOR).and(user_roles::user_id.eq(user)))
        .filter(users::banned_at.is_null().and(users::email_verified_at.is_not_null()));
    Ok(dsl::select(dsl::exists(found)).get_result(connection).await?)
}

/// Until the transaction ends, nobody else who asks for this stops to administer.
pub(super) async fn lock_administration(connection: &mut AsyncPgConnection) -> db::Result<()> {
    let role = roles::table.find(ADMINISTRATOR).select(roles::name).for_no_key_update();
    let _: String = role.first(connection).await?;
    Ok(())
}

/// Whether somebody beside the user administers, in effect, and will go on to: their account
/// is not about to go.
pub(super) async fn another_administers(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<bool> {
    let found = user_roles::table
        .inner_join(users::table)
        .filter(user_roles::role.eq(ADMINISTRATOR).and(user_roles::user_id.ne(user)))
        .filter(users::banned_at.is_null().and(users::email_verified_at.is_not_null()))
        .filter(users::delete_at.is_null());
    Ok(dsl::select(dsl::exists(found)).get_result(connection).await?)
}
