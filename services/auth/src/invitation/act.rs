//! What happens to invitations, whole: the rows, and the mails. Each belongs in one
//! transaction that holds the organisation; who did it, the caller records.

use contract_auth::{Invitation, MailKind};
use diesel_async::AsyncPgConnection;
use ids::{InvitationId, OrgId, Timestamp, UserId};
use service_kit::db;

use super::{InvitationError, rules, store, store::New};
use crate::{
    account::Email,
    mail::{self, NewMail},
    membership::{self, MembershipError, Standing},
    one_time::{self, OneTimeError, Purpose},
    organization::{self, Limits},
    rights::RightsError,
};

/// Invites whoever has the address, with or without an account: it makes no difference.
pub(super) async fn invite(
    connection: &mut AsyncPgConnection,
    by: &Standing,
    (email, role): (&Email, &str),
    limits: &Limits,
    now: Timestamp,
) -> Result<Invitation, InvitationError> {
    let given = membership::store::role(connection, role).await?;
    let given = given.ok_or_else(|| membership::rules::unknown_role(role))?;
    by.require_may_give(&given)?;
    if by.personal {
        return Err(MembershipError::Personal.into());
    }
    if !by.verified {
        return Err(InvitationError::Unverified);
    }
    if store::is_member(connection, by.org, email.as_str()).await? {
        return Err(InvitationError::Member);
    }
    store::sweep(connection, by.org, now).await?;
    let expires_at = now + Purpose::Invitation.lifetime();
    let new = New { org: by.org, email: email.as_str(), role, by: by.user, now, expires_at };
    let made = store::insert(connection, &new).await?.ok_or(InvitationError::Invited)?;
    let waiting = store::count(connection, by.org).await?;
    if waiting > limits.pending {
        return Err(InvitationError::TooMany(limits.pending));
    }
    let members = membership::store::count(connection, by.org).await?;
    if members + waiting > limits.members {
        return Err(MembershipError::Full(limits.members).into());
    }
    send(connection, by, &made, now).await?;
    Ok(made)
}

/// Mails an invitation once more, with a new link: the one before works no longer.
pub(super) async fn resend(
    connection: &mut AsyncPgConnection,
    by: &Standing,
    id: InvitationId,
    now: Timestamp,
) -> Result<Invitation, InvitationError> {
    by.require_manager()?;
    let waiting = store::find(connection, by.org, id, now).await?.ok_or(InvitationError::Unknown)?;
    rules::may_send_again(waiting.sent_at, now)?;
    void_links(connection, by.org, id).await?;
    let expires_at = now + Purpose::Invitation.lifetime();
    let renewed = store::renew(connection, by.org, id, now, expires_at).await?;
    send(connection, by, &renewed, now).await?;
    Ok(renewed)
}

async fn send(
    connection: &mut AsyncPgConnection,
    by: &Standing,
    invitation: &Invitation,
    now: Timestamp,
) -> Result<(), InvitationError> {
    let last = mail::store::nth_latest_to(connection, by.org, &invitation.email, rules::MOST_MAILS).await?;
    rules::may_mail(last, now)?;
    let (organization, inviter) = store::mail_words(connection, by.org, by.user).await?;
    let mail = NewMail::to_address(MailKind::Invitation, &invitation.email, by.org)
        .with("organization", organization)
        .with("invited_by", inviter)
        .with("role", invitation.role.clone());
    let about = Some(invitation.id.to_string());
    Ok(mail::act::send_link(connection, &mail, Purpose::Invitation, about, now).await?)
}

/// Takes an invitation back: its link works no longer.
pub(super) async fn revoke(
    connection: &mut AsyncPgConnection,
    by: &Standing,
    id: InvitationId,
) -> Result<(), InvitationError> {
    by.require_manager()?;
    if !store::remove(connection, by.org, id).await? {
        return Err(InvitationError::Unknown);
    }
    Ok(void_links(connection, by.org, id).await?)
}

async fn void_links(connection: &mut AsyncPgConnection, org: OrgId, id: InvitationId) -> db::Result<()> {
    one_time::store::void_about(connection, org, Purpose::Invitation, &id.to_string()).await
}

/// Uses up the token of an invitation that the user may answer; gives the organisation,
/// which is held, and the invitation. For another account the token stays as it is.
pub(super) async fn answer(
    connection: &mut AsyncPgConnection,
    user: UserId,
    token: ids::OneTimeTokenId,
    now: Timestamp,
) -> Result<(OrgId, Invitation), InvitationError> {
    let seen = one_time::store::find(connection, Purpose::Invitation, token, now).await?;
    let org = seen.org_id.ok_or(OneTimeError::Invalid)?;
    // Before the token, as whoever sends it again or takes it back does.
    organization::store::lock(connection, org).await?;
    let token = one_time::store::take(connection, Purpose::Invitation, token, now).await?;
    let id = token.about.and_then(|about| about.parse().ok()).ok_or(OneTimeError::Invalid)?;
    let invitation = store::find(connection, org, id, now).await?.ok_or(OneTimeError::Invalid)?;
    let (email, verified) = store::address(connection, user).await?.ok_or(RightsError::Ended)?;
    rules::may_answer(&invitation.email, &email, verified)?;
    store::remove(connection, org, id).await?;
    Ok((org, invitation))
}
