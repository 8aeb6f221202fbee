//! What an operator does by hand, on the database itself: `plinth admin …` and
//! `auth keys …`.

use audit::{By, Entry};
use contract_auth::audited;
use diesel_async::AsyncPgConnection;
use ids::{Timestamp, UserId};
use sealing::Keyring;
use service_kit::db;

pub use crate::signing_key::SigningKeyError;
use crate::{
    account::{self, Email, NewAccount, act::Registered},
    password::{self, Hasher},
    signing_key::{self, State},
    user::{self, UserError},
};

/// Why an operator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address or the password is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// The address has an account.
    #[error("{0} has an account already; `grant` gives it a role")]
    Taken(String),
    /// The address has no account.
    #[error("{0} has no account")]
    Unknown(String),
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<UserError> for AdminError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Db(error) => Self::Db(error),
            UserError::Invalid(faults) => {
                Self::Invalid(faults.into_iter().map(|fault| fault.detail).collect::<Vec<_>>().join("; "))
            }
            other => Self::Invalid(other.to_string()),
        }
    }
}

/// The roles that there are.
pub const ROLES: [&str; 3] = ["USER", "RESELLER", "ADMIN"];

/// Makes an account with a verified address and these roles beside `USER`.
///
/// # Errors
/// [`AdminError`]: nothing was made.
pub async fn create(
    connection: &mut AsyncPgConnection,
    email: &str,
    password: &str,
    roles: &[&str],
) -> Result<UserId, AdminError> {
    let email: Email = email.parse().map_err(|why| AdminError::Invalid(format!("{why}")))?;
    let password = password::accept(password, "/password", &[email.as_str(), email.local_part()])
        .map_err(|fault| AdminError::Invalid(format!("the password: {}", fault.detail)))?;
    let hasher = Hasher::start(1, 1).map_err(|why| AdminError::Hash(why.to_string()))?;
    let hash = hasher.make(password.clone()).await.map_err(|why| AdminError::Hash(why.to_string()))?;
    let new = NewAccount { email, password, name: None };
    let mut all = vec!["USER"];
    all.extend(roles.iter().filter(|role| **role != "USER"));
    db::transaction(connection, async |connection| {
        let registered = account::act::register(connection, &new, &hash, &all, Timestamp::now()).await?;
        let Registered::Anew(user, org) = registered else {
            return Err(AdminError::Taken(new.email.to_string()));
        };
        account::act::verify(connection, user).await?;
        let entry = Entry::of(audited::ACCOUNT_CREATED).on(user).in_org(org).with("roles", all);
        audit::record(connection, &By::operator(), entry).await?;
        Ok(user)
    })
    .await
}

/// Gives an account a role; its tokens are void within a second, and the next ones hold
/// the role. Whether its address is verified: until then, sensitive rights wait.
///
/// # Errors
/// [`AdminError`]: nothing was changed.
pub async fn grant(connection: &mut AsyncPgConnection, email: &str, role: &str) -> Result<bool, AdminError> {
    db::transaction(connection, async |connection| {
        let user = find(connection, email).await?;
        let mut roles = user::store::roles_of(connection, user).await?;
        roles.insert(role.to_owned());
        user::act::set_roles(connection, &By::operator(), user, &roles).await?;
        Ok(user::store::lock(connection, user).await?.is_some_and(|standing| standing.is_verified()))
    })
    .await
}

/// Bans an account: its sessions end, and its keys and tokens open nothing within a
/// second.
///
/// # Errors
/// [`AdminError`]: nothing was changed.
pub async fn ban(connection: &mut AsyncPgConnection, email: &str, why: &str) -> Result<(), AdminError> {
    let why = user::accept_reason(why)?;
    db::transaction(connection, async |connection| {
        let user = find(connection, email).await?;
        user::act::ban(connection, &By::operator(), user, &why, Timestamp::now()).await?;
        Ok(())
    })
    .await
}

/// Lets a banned account in again.
///
/// # Errors
/// [`AdminError`]: nothing was changed.
pub async fn unban(connection: &mut AsyncPgConnection, email: &str) -> Result<(), AdminError> {
    db::transaction(connection, async |connection| {
        let user = find(connection, email).await?;
        user::act::unban(connection, &By::operator(), user, Timestamp::now()).await?;
        Ok(())
    })
    .await
}

async fn find(connection: &mut AsyncPgConnection, email: &str) -> Result<UserId, AdminError> {
    let email: Email = email.parse().map_err(|why| AdminError::Invalid(format!("{why}")))?;
    let found = user::store::find(connection, email.as_str()).await?;
    found.ok_or_else(|| AdminError::Unknown(email.to_string()))
}

/// Marks an account's address as verified: the operator knows that it is theirs.
///
/// # Errors
/// [`AdminError`]: nothing was changed.
pub async fn verify(connection: &mut AsyncPgConnection, email: &str) -> Result<(), AdminError> {
    db::transaction(connection, async |connection| {
        let user = find(connection, email).await?;
        account::act::verify(connection, user).await?;
        Ok(audit::record(connection, &By::operator(), Entry::of(audited::ACCOUNT_VERIFIED).on(user)).await?)
    })
    .await
}

/// Adds a signing key, which takes over in ten minutes, or at once (then the tokens
/// of the old one are void within minutes). Gives its id.
///
/// # Errors
/// [`SigningKeyError`]: nothing was changed.
pub async fn rotate_signing_key(
    connection: &mut AsyncPgConnection,
    keyring: &Keyring,
    at_once: bool,
) -> Result<String, SigningKeyError> {
    db::transaction(connection, async |connection| {
        let kid = signing_key::add_next(connection, keyring, at_once).await?;
        let entry = Entry::of(audited::SIGNING_KEY_ROTATED).on(&kid).with("at_once", at_once);
        audit::record(connection, &By::operator(), entry).await?;
        Ok(kid)
    })
    .await
}

/// A line for every signing key: its id, what it is, and since or until when.
///
/// # Errors
/// When the database is away.
pub async fn list_signing_keys(connection: &mut AsyncPgConnection) -> Result<Vec<String>, SigningKeyError> {
    let now = Timestamp::now();
    let rows = signing_key::store::all(connection).await?;
    let line = |row: signing_key::store::Row| {
        let times = row.times();
        let until = times.retires_at.map_or_else(String::new, |at| format!(", retires {at}"));
        let state = match times.state(now) {
            State::Next => "next   ",
            State::Active => "active ",
            State::Retired => "retired",
        };
        format!("{state}  {}  activates {}{until}", row.kid, times.activates_at)
    };
    Ok(rows.into_iter().map(line).collect())
}
