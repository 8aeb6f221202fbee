//! What is done to users, whole: the rows, what becomes void, what others are told, and
//! who did it. Each belongs in one transaction.

use std::collections::BTreeSet;

use audit::{By, Entry};
use contract_auth::audited;
use diesel_async::AsyncPgConnection;
use identity::Revocation;
use ids::{Timestamp, UserId};

use super::{UserError, rules, store};
use crate::{account, revocation, session};

/// Bans the user, ends their sessions and voids their tokens; changes nothing for who
/// is banned already.
pub(crate) async fn ban(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    why: &str,
    now: Timestamp,
) -> Result<Vec<Revocation>, UserError> {
    if store::lock(connection, user).await?.ok_or(UserError::Unknown)?.is_banned() {
        return Ok(Vec::new());
    }
    let version = store::ban(connection, user, why, now).await?;
    session::act::end_all(connection, user, "ban", now).await?;
    account::act::changed(connection, user, "banned").await?;
    audit::record(connection, by, Entry::of(audited::USER_BANNED).on(user).with("reason", why)).await?;
    Ok(revocation::write(connection, vec![Revocation::of_user(user, version)], "ban").await?)
}

/// Lets the user in again; changes nothing for who is not banned.
pub(crate) async fn unban(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    now: Timestamp,
) -> Result<(), UserError> {
    if store::lock(connection, user).await?.ok_or(UserError::Unknown)?.is_banned() {
        store::unban(connection, user, now).await?;
        account::act::changed(connection, user, "unbanned").await?;
        audit::record(connection, by, Entry::of(audited::USER_UNBANNED).on(user)).await?;
    }
    Ok(())
}

/// Gives the user exactly these roles and voids their tokens; changes nothing for who
/// has them already.
pub(crate) async fn set_roles(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    wanted: &BTreeSet<String>,
) -> Result<Vec<Revocation>, UserError> {
    store::lock(connection, user).await?.ok_or(UserError::Unknown)?;
    let held = store::roles_of(connection, user).await?;
    if held == *wanted {
        return Ok(Vec::new());
    }
    let unknown = store::unknown_roles(connection, wanted).await?;
    if !unknown.is_empty() {
        return Err(rules::unknown_roles(&unknown));
    }
    let version = store::set_roles(connection, user, wanted).await?;
    account::act::changed(connection, user, "roles").await?;
    let told = |roles: &BTreeSet<String>| roles.iter().cloned().collect::<Vec<_>>();
    let entry = Entry::of(audited::USER_ROLES_CHANGED).on(user);
    let entry = entry.with("from", told(&held)).with("to", told(wanted));
    audit::record(connection, by, entry).await?;
    Ok(revocation::write(connection, vec![Revocation::of_user(user, version)], "role change").await?)
}
