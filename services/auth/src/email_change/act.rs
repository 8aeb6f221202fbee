//! What happens to addresses, whole. Each belongs in one transaction.

use audit::{By, Entry};
use contract_auth::{MailKind, audited};
use diesel_async::AsyncPgConnection;
use identity::{Principal, Revocation};
use ids::Timestamp;

use super::store;
use crate::{
    account::{self, Email},
    mail,
    one_time::{self, OneTimeError, Purpose},
    proof::{self, ProofError, act::Shown},
    revocation,
    rights::{self, RightsError},
    session,
};

/// Mails a link to the new address, whether or not somebody else has it: that shows when it
/// is followed. The latest wish counts. The last proof of the caller must be fresh.
pub(super) async fn ask(
    connection: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    email: &Email,
    now: Timestamp,
) -> Result<(), ProofError> {
    let user = caller.user;
    // First the account, then the credential: whoever voids wishes is done, or comes after this one.
    let holder = proof::store::lock(connection, user).await?.ok_or(RightsError::Ended)?;
    rights::store::require_live(connection, caller).await?;
    session::act::require_fresh(connection, caller, now).await?;
    if holder.email == email.as_str() {
        return Err(ProofError::field("/email", "same_address", "the account has this address already"));
    }
    let kind = MailKind::ConfirmNewEmail;
    proof::act::require_room(connection, user, kind, now).await?;
    one_time::store::void(connection, user, &[Purpose::ChangeEmail]).await?;
    let mail = holder.mail(kind).to(email.as_str());
    let about = Some(email.to_string());
    mail::act::send_link(connection, &mail, Purpose::ChangeEmail, about, now).await?;
    Ok(audit::record(connection, by, Entry::of(audited::EMAIL_CHANGE_REQUESTED).on(user)).await?)
}

/// Gives the account the address whose mailbox was shown, voids its tokens and every link to
/// the address before, which is told. Sessions go on. An address that somebody else has got
/// is no different from a token that does not work.
pub(super) async fn confirm(
    connection: &mut AsyncPgConnection,
    by: &By,
    Shown { holder, address }: Shown,
    now: Timestamp,
) -> Result<Vec<Revocation>, ProofError> {
    let version = store::set_email(connection, holder.id, &address, now).await?;
    let version = version.ok_or(OneTimeError::Invalid)?;
    one_time::store::void(connection, holder.id, &Purpose::MAILED).await?;
    mail::act::send(connection, &holder.mail(MailKind::EmailChanged), now).await?;
    account::act::changed(connection, holder.id, "email").await?;
    audit::record(connection, by, Entry::of(audited::EMAIL_CHANGED).on(holder.id)).await?;
    let voided = vec![Revocation::of_user(holder.id, version)];
    Ok(revocation::write(connection, voided, "change of address").await?)
}
