//! What is done to users, whole: the rows, what becomes void, what others are told, and
//! who did it. Each belongs in one transaction.

use std::collections::BTreeSet;

use audit::{By, Entry};
use contract_auth::{UserChange, audited};
use diesel_async::AsyncPgConnection;
use identity::Revocation;
use ids::{Timestamp, UserId};

use super::{UserError, rules, store};
use crate::{
    account,
    one_time::{self, Purpose},
    organization, revocation, session,
};

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
    require_another_administrator(connection, user).await?;
    let version = store::ban(connection, user, why, now).await?;
    let mut voided = session::act::end_all(connection, user, "ban", now).await?;
    account::act::changed(connection, user, "banned").await?;
    audit::record(connection, by, Entry::of(audited::USER_BANNED).on(user).with("reason", why)).await?;
    voided.extend(revocation::write(connection, vec![Revocation::of_user(user, version)], "ban").await?);
    Ok(voided)
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
    if !wanted.contains(rules::ADMINISTRATOR) {
        require_another_administrator(connection, user).await?;
    }
    let version = store::set_roles(connection, user, wanted).await?;
    let mut voided =
        session::act::end_impersonations(connection, user, "role change", Timestamp::now()).await?;
    account::act::changed(connection, user, "roles").await?;
    let told = |roles: &BTreeSet<String>| roles.iter().cloned().collect::<Vec<_>>();
    let entry = Entry::of(audited::USER_ROLES_CHANGED).on(user);
    let entry = entry.with("from", told(&held)).with("to", told(wanted));
    audit::record(connection, by, entry).await?;
    let of_user = vec![Revocation::of_user(user, version)];
    voided.extend(revocation::write(connection, of_user, "role change").await?);
    Ok(voided)
}

/// Changes what is known of the user. Whether their address is theirs decides what they
/// may do, so that voids their tokens.
pub(crate) async fn change(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    change: &UserChange,
    now: Timestamp,
) -> Result<Vec<Revocation>, UserError> {
    let standing = store::lock(connection, user).await?.ok_or(UserError::Unknown)?;
    let verified = change.email_verified.filter(|verified| *verified != standing.is_verified());
    if verified == Some(false) {
        require_another_administrator(connection, user).await?;
    }
    store::update(connection, user, change, now).await?;
    account::act::changed(connection, user, "profile").await?;
    let fields = serde_json::to_value(change).ok().and_then(|value| value.as_object().cloned());
    let fields: Vec<String> = fields.unwrap_or_default().into_iter().map(|(field, _)| field).collect();
    audit::record(connection, by, Entry::of(audited::USER_CHANGED).on(user).with("fields", fields)).await?;
    let Some(verified) = verified else { return Ok(Vec::new()) };
    let version = store::set_verified(connection, user, verified.then_some(now)).await?;
    // Who administers does so no more without a verified address.
    let mut voided = session::act::end_impersonations(connection, user, "verification", now).await?;
    account::act::changed(connection, user, "email_verified").await?;
    let of_user = vec![Revocation::of_user(user, version)];
    voided.extend(revocation::write(connection, of_user, "verification").await?);
    Ok(voided)
}

/// Ends all sessions of the user, and voids what else they have in hand. Their password
/// and their API keys go on.
pub(crate) async fn sign_out(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Revocation>, UserError> {
    store::lock(connection, user).await?.ok_or(UserError::Unknown)?;
    let version = store::next_version(connection, user).await?;
    let mut voided = session::act::end_all(connection, user, "signed out by an administrator", now).await?;
    one_time::store::void(connection, user, &Purpose::ALL).await?;
    audit::record(connection, by, Entry::of(audited::USER_SIGNED_OUT).on(user)).await?;
    voided.extend(revocation::write(connection, vec![Revocation::of_user(user, version)], "sign-out").await?);
    Ok(voided)
}

/// Deletes the user with all that hangs on them, and voids their tokens.
pub(crate) async fn delete(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
) -> Result<Vec<Revocation>, UserError> {
    organization::store::lock_all_of(connection, user).await?;
    store::lock(connection, user).await?.ok_or(UserError::Unknown)?;
    require_another_administrator(connection, user).await?;
    let voided = account::act::delete(connection, user).await?;
    audit::record(connection, by, Entry::of(audited::USER_DELETED).on(user)).await?;
    Ok(voided)
}

/// Refuses to go on when nobody but the user administers. Until the transaction ends,
/// nobody else stops to: of two who would leave together, one stays.
pub(crate) async fn require_another_administrator(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<(), UserError> {
    if !store::administers(connection, user).await? {
        return Ok(());
    }
    store::lock_administration(connection).await?;
    match store::another_administers(connection, user).await? {
        true => Ok(()),
        false => Err(UserError::LastAdministrator),
    }
}
