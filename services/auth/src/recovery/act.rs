//! How a password is set anew, whole: it belongs in one transaction.

use audit::{By, Entry};
use contract_auth::{MailKind, audited};
use diesel_async::AsyncPgConnection;
use identity::Revocation;
use ids::Timestamp;
use service_kit::db;

use super::store;
use crate::{
    account, mail,
    one_time::{self, Purpose},
    proof::{self, store::Holder},
    revocation, session,
};

/// Sets a new password for whoever has shown their mailbox: all sessions end, and so do the
/// tokens and every link that was mailed. A second factor stays: the next login asks for it.
pub(super) async fn reset(
    connection: &mut AsyncPgConnection,
    by: &By,
    holder: &Holder,
    hash: &str,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    let user = holder.id;
    let mut voided = proof::act::claim(connection, by, holder, now).await?;
    let version = store::set_password(connection, user, hash, now).await?;
    voided.extend(session::act::end_all(connection, user, "password reset", now).await?);
    one_time::store::void(connection, user, &Purpose::OF_ACCOUNTS).await?;
    mail::act::send(connection, &holder.mail(MailKind::PasswordChanged), now).await?;
    account::act::changed(connection, user, "password").await?;
    audit::record(connection, by, Entry::of(audited::PASSWORD_RESET).on(user)).await?;
    let revoked = vec![Revocation::of_user(user, version)];
    voided.extend(revocation::write(connection, revoked, "password reset").await?);
    Ok(voided)
}
