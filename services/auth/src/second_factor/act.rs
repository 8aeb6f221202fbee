//! What is done with second factors, whole. Each belongs in one transaction that holds the user:
//! locks are taken in one order, the user, sessions, factors and codes.

use audit::{By, Entry};
use contract_auth::{MailKind, SecondFactorMethod, Secret, audited};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use sealing::Keyring;
use service_kit::db;

use super::{SecondFactorError, recovery, rules, store, totp};
use crate::{
    account,
    mail::{self, NewMail},
    one_time::{self, Purpose},
};

/// The name of the row that a secret is sealed for.
pub(super) fn row(user: UserId) -> Vec<u8> {
    format!("totp_factors/{user}/sealed_secret").into_bytes()
}

/// Whether the user's second factor is on.
pub(crate) async fn is_on(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<bool> {
    Ok(store::find(connection, user).await?.is_some_and(|factor| factor.confirmed_at.is_some()))
}

/// Whether this is a code of the user's second factor, which is then used up.
pub(crate) async fn take(
    connection: &mut AsyncPgConnection,
    keyring: &Keyring,
    user: UserId,
    (method, code): (SecondFactorMethod, &Secret),
    now: Timestamp,
) -> Result<bool, SecondFactorError> {
    if method == SecondFactorMethod::RecoveryCode {
        let hash = recovery::hash(user, code.expose());
        return Ok(store::use_recovery_code(connection, user, &hash).await?);
    }
    let Some(factor) = store::find(connection, user).await? else { return Ok(false) };
    let secret = keyring.open(&row(user), &factor.sealed_secret)?;
    match totp::step_of(&secret, &rules::digits(code.expose()), now.unix_seconds()) {
        Some(step) => Ok(store::use_step(connection, user, step).await?),
        None => Ok(false),
    }
}

/// Switches the second factor on, if this is the first code of the one that waits; gives
/// the recovery codes.
pub(super) async fn confirm(
    connection: &mut AsyncPgConnection,
    keyring: &Keyring,
    user: UserId,
    code: &Secret,
    now: Timestamp,
) -> Result<Vec<Secret>, SecondFactorError> {
    let factor = store::find(connection, user).await?;
    let factor =
        factor.filter(|factor| factor.confirmed_at.is_none()).ok_or(SecondFactorError::NotPending)?;
    let secret = keyring.open(&row(user), &factor.sealed_secret)?;
    let step = totp::step_of(&secret, &rules::digits(code.expose()), now.unix_seconds());
    let step = step.ok_or(SecondFactorError::WrongCode)?;
    if !store::confirm(connection, user, &factor.sealed_secret, step, now).await? {
        return Err(SecondFactorError::NotPending);
    }
    let codes = replace_recovery_codes(connection, user).await?;
    told(connection, user, true, now).await?;
    Ok(codes)
}

/// Gives the user fresh recovery codes; those before are void.
pub(super) async fn replace_recovery_codes(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<Vec<Secret>, SecondFactorError> {
    let codes = recovery::generate()?;
    let hashes: Vec<_> = codes.iter().map(|code| recovery::hash(user, code.expose())).collect();
    store::replace_recovery_codes(connection, user, &hashes).await?;
    Ok(codes)
}

/// Switches the second factor off, with its recovery codes and every login that waits for
/// it.
pub(super) async fn switch_off(
    connection: &mut AsyncPgConnection,
    by: &By,
    user: UserId,
    now: Timestamp,
) -> Result<(), SecondFactorError> {
    if !store::switch_off(connection, user).await? {
        return Err(SecondFactorError::Off);
    }
    one_time::store::void(connection, user, &[Purpose::SecondFactor]).await?;
    told(connection, user, false, now).await?;
    audit::record(connection, by, Entry::of(audited::SECOND_FACTOR_OFF).on(user)).await?;
    Ok(())
}

/// Tells the others, and the user by mail: whoever did it, its owner learns of it.
async fn told(
    connection: &mut AsyncPgConnection,
    user: UserId,
    enabled: bool,
    now: Timestamp,
) -> db::Result<()> {
    account::act::changed(connection, user, "second_factor").await?;
    let row = account::store::find_password(connection, user).await?;
    let org: Option<OrgId> = account::store::personal_organization(connection, user).await?;
    let (Some(row), Some(org)) = (row, org) else { return Ok(()) };
    let mail = NewMail::to_user(MailKind::SecondFactorChanged, &row.email, user, org);
    mail::act::send(connection, &mail.with("enabled", enabled), now).await
}
