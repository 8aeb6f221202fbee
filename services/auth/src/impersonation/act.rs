//! How somebody comes to act in a user's name, whole: each belongs in one transaction.

use audit::{Entry, Origin};
use contract_auth::{Impersonate, audited};
use diesel_async::AsyncPgConnection;
use identity::{Actor, Principal};
use ids::{OrgId, SessionId, Timestamp, UserId};
use problem::FieldError;

use super::{
    ImpersonationError,
    rules::{self, Accepted},
    store,
};
use crate::{
    account,
    rights::{self, Rights, RightsError},
    token::Subject,
    user::{self, UserError},
};

/// Somebody who acts in another's name.
pub(super) struct Acting {
    pub(super) session: SessionId,
    pub(super) subject: Subject,
    pub(super) ends_at: Timestamp,
}

/// Opens a session in the user's name.
pub(super) async fn begin(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    origin: Origin,
    user: UserId,
    wish: &Impersonate,
    now: Timestamp,
) -> Result<Acting, ImpersonationError> {
    let Accepted { reason, lasts } = rules::accept(caller.user, user, wish)?;
    // From here on, nobody gives the user a role or bans them, and nobody takes from the caller
    // what lets them: that would not end a session that is not there yet. Who changes several
    // users locks them in the order of their ids.
    if caller.user < user {
        rights::store::hold_live(connection, caller).await?;
    }
    let standing = user::store::lock(connection, user).await?;
    if caller.user > user {
        rights::store::hold_live(connection, caller).await?;
    }
    if standing.ok_or(UserError::Unknown)?.is_banned() {
        return Err(ImpersonationError::Banned);
    }
    if store::administers(connection, user).await? {
        return Err(ImpersonationError::Administrator);
    }
    let (org, rights) = rights_in(connection, user, wish.org_id).await?;
    let ends_at = now + lasts;
    let session = store::insert(connection, (org, user), caller.user, ends_at, now).await?;
    let entry = Entry::of(audited::USER_IMPERSONATED).on(user).with("reason", reason);
    let entry = entry.with("session", session.to_string()).with("minutes", lasts.as_secs() / 60);
    audit::record(connection, &origin.caller(caller), entry).await?;
    Ok(Acting { session, subject: subject((org, user), caller.user, session, &rights), ends_at })
}

/// What the caller, who acts in a user's name, goes on with.
pub(super) async fn renew(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    now: Timestamp,
) -> Result<Acting, ImpersonationError> {
    let (administrator, session) = rules::of(caller)?;
    rights::store::require_live(connection, caller).await?;
    let ends_at = store::ends_at(connection, caller.user, administrator, session, now).await?;
    let ends_at = ends_at.ok_or(RightsError::Ended)?;
    let rights = rights::store::find(connection, caller.org, caller.user).await?.ok_or(RightsError::Ended)?;
    let subject = subject((caller.org, caller.user), administrator, session, &rights);
    Ok(Acting { session, subject, ends_at })
}

/// The user's rights in the organisation that is wanted, or in their own.
async fn rights_in(
    connection: &mut AsyncPgConnection,
    user: UserId,
    wanted: Option<OrgId>,
) -> Result<(OrgId, Rights), ImpersonationError> {
    let org = match wanted {
        Some(org) => Some(org),
        None => account::store::personal_organization(connection, user).await?,
    };
    let org = org.ok_or(UserError::Unknown)?;
    let rights = rights::store::find(connection, org, user).await?.ok_or_else(|| {
        let detail = "the user is no member of this organisation";
        ImpersonationError::Invalid(vec![FieldError::new("/org_id", "not_a_member", detail)])
    })?;
    Ok((org, rights))
}

fn subject(
    (org, user): (OrgId, UserId),
    administrator: UserId,
    session: SessionId,
    rights: &Rights,
) -> Subject {
    let scopes = rules::narrowed(&rights.scopes);
    let actor = Some(Actor { sub: administrator.to_string(), act: None });
    // Such a session never switches, so it stays at its first version.
    Subject { scopes, actor, ..Subject::session(user, org, (session, 0), rights) }
}
