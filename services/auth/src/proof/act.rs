//! What is asked for and done by mailed links, whole. Each belongs in one transaction.

use std::time::Duration;

use audit::{By, Entry};
use contract_auth::{MailKind, audited};
use diesel_async::AsyncPgConnection;
use identity::Revocation;
use ids::{OneTimeTokenId, Timestamp, UserId};
use jobs::EnqueueError;
use service_kit::db::{self, Db};

use super::{
    Letter, ProofError, SendLink, rules,
    store::{self, Holder},
};
use crate::{
    account::{self, Email},
    api_key, grant,
    mail::{self, NewMail},
    one_time::{self, OneTimeError, Purpose},
    rights::RightsError,
    second_factor, session, user,
};

/// Asks for a link to be mailed to an account's address. `None`: the address has no account;
/// the same is written, about nobody.
pub(crate) async fn ask(
    connection: &mut AsyncPgConnection,
    user: Option<UserId>,
    letter: Letter,
) -> Result<(), EnqueueError> {
    let user = user.unwrap_or_else(UserId::generate);
    jobs::enqueue(connection, &SendLink { user, letter }).await.map(drop)
}

/// As [`ask`], for whoever has this address, if anybody.
pub(crate) async fn ask_of(db: &Db, email: &Email, letter: Letter) -> Result<(), ProofError> {
    let mut connection = db.connection().await?;
    let user = user::store::find(&mut connection, email.as_str()).await?;
    Ok(ask(&mut connection, user, letter).await?)
}

/// An address as it was typed.
pub(crate) fn address(typed: &str) -> Result<Email, ProofError> {
    typed.parse::<Email>().map_err(|why| ProofError::field("/email", "not_an_address", why.to_string()))
}

/// Mails a link, if there is such a user, they are not banned, have use for it and were not
/// sent too many.
pub(super) async fn send(
    connection: &mut AsyncPgConnection,
    user: UserId,
    letter: Letter,
    now: Timestamp,
) -> db::Result<()> {
    let Some(holder) = store::lock(connection, user).await? else { return Ok(()) };
    let useless = letter == Letter::VerifyEmail && holder.verified;
    if holder.banned || useless || wait(connection, user, letter.kind(), now).await?.is_some() {
        return Ok(());
    }
    mail(connection, &holder, letter, now).await
}

/// Mails a link to the account's address: it works while the account has that address.
pub(crate) async fn mail(
    connection: &mut AsyncPgConnection,
    holder: &Holder,
    letter: Letter,
    now: Timestamp,
) -> db::Result<()> {
    let about = Some(holder.email.clone());
    mail::act::send_link(connection, &holder.mail(letter.kind()), letter.purpose(), about, now).await
}

/// Refuses whoever was sent too many mails of this kind. Whoever asks has the account locked.
pub(crate) async fn require_room(
    connection: &mut AsyncPgConnection,
    user: UserId,
    kind: MailKind,
    now: Timestamp,
) -> Result<(), ProofError> {
    wait(connection, user, kind, now).await?.map_or(Ok(()), |wait| Err(ProofError::TooManyMails(wait)))
}

/// How long until the user may be sent another mail of this kind, if not now.
async fn wait(
    connection: &mut AsyncPgConnection,
    user: UserId,
    kind: MailKind,
    now: Timestamp,
) -> db::Result<Option<Duration>> {
    let last = mail::store::nth_latest(connection, user, kind, rules::most(kind)).await?;
    Ok(rules::wait(last, now))
}

/// A mailed token that was shown and is used up.
pub(crate) struct Shown {
    /// Whose it is: until the transaction ends, nobody else changes the account.
    pub(crate) holder: Holder,
    /// The address that it was mailed to.
    pub(crate) address: String,
}

impl Shown {
    /// Refuses the token if the account has another address by now.
    pub(crate) fn at_its_address(self) -> Result<Holder, OneTimeError> {
        if self.address == self.holder.email { Ok(self.holder) } else { Err(OneTimeError::Invalid) }
    }
}

/// Uses a mailed token up: of many at once, one gets it. The account is locked first, as by
/// all who act on it, so that nobody waits for anybody in a circle.
pub(crate) async fn show(
    connection: &mut AsyncPgConnection,
    purpose: Purpose,
    id: OneTimeTokenId,
    now: Timestamp,
) -> Result<Shown, ProofError> {
    let user = one_time::store::find(connection, purpose, id, now).await?.user_id;
    let user = user.ok_or(OneTimeError::Invalid)?;
    let holder = store::lock(connection, user).await?.ok_or(OneTimeError::Invalid)?;
    let address = one_time::store::take(connection, purpose, id, now).await?.about;
    let address = address.ok_or(OneTimeError::Invalid)?;
    if holder.banned {
        return Err(RightsError::Banned.into());
    }
    Ok(Shown { holder, address })
}

/// Takes note that whoever acts has the account's mailbox, otherwise than by the link of the
/// registration. The first time, all that was set up before is dropped: it may be somebody
/// else's, who registered the address first (ADR 18). What became void with it.
pub(crate) async fn claim(
    connection: &mut AsyncPgConnection,
    by: &By,
    holder: &Holder,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    if holder.verified {
        return Ok(Vec::new());
    }
    let user = holder.id;
    store::forget_password(connection, user, now).await?;
    let mut voided = session::act::end_all(connection, user, "mailbox proven", now).await?;
    api_key::store::delete_all(connection, user).await?;
    grant::store::delete_all(connection, user).await?;
    second_factor::store::switch_off(connection, user).await?;
    one_time::store::void(connection, user, &Purpose::OF_ACCOUNTS).await?;
    audit::record(connection, by, Entry::of(audited::ACCOUNT_CLAIMED).on(user)).await?;
    voided.extend(account::act::verify(connection, user).await?);
    Ok(voided)
}

impl Holder {
    /// A mail to the account's address.
    pub(crate) fn mail(&self, kind: MailKind) -> NewMail {
        NewMail::to_user(kind, &self.email, self.id, self.org_id)
    }
}
