//! How sessions end, whole: the rows, what becomes void, and what others are told. Each
//! belongs in one transaction; who did it, the caller records.

use std::time::Duration;

use contract_auth::events::SessionRevoked;
use diesel_async::AsyncPgConnection;
use events::publish;
use identity::{Principal, Revocation};
use ids::{OrgId, SessionId, Timestamp, UserId};
use service_kit::db;

use super::{
    SessionError, rules,
    store::{self, Owner},
};
use crate::{revocation, rights::RightsError};

/// How fresh a login must be for what cannot be undone.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// Ends a session of `user` and voids its tokens; the revocation, if there was a session
/// to end.
pub(crate) async fn end(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    let Some(org_id) = store::end(connection, user, id, why, now).await? else { return Ok(Vec::new()) };
    let event = SessionRevoked { session_id: id, user_id: user, org_id, reason: why.to_owned() };
    publish(connection, &event).await?;
    revocation::write(connection, vec![Revocation::of_session(id)], why).await
}

/// The caller's session, if they have proven in it a while ago who they are, as what cannot
/// be undone wants it: where a second factor is on, by that. `POST …/step-up` makes it so.
pub(crate) async fn require_fresh(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    now: Timestamp,
) -> Result<SessionId, SessionError> {
    let session = caller.session()?;
    let proof = store::last_proof(connection, caller.user, session).await?.ok_or(RightsError::Ended)?;
    let fresh = now.since(proof.authenticated_at) <= FRESH;
    if fresh && proof.suffices { Ok(session) } else { Err(SessionError::StaleLogin) }
}

/// This session, if it is alive.
pub(crate) async fn alive(
    connection: &mut AsyncPgConnection,
    id: SessionId,
    idle: Duration,
    now: Timestamp,
) -> db::Result<Option<Owner>> {
    let found = store::state(connection, id).await?;
    Ok(found.filter(|(_, state)| !rules::is_over(state, idle, now)).map(|(owner, _)| owner))
}

/// Ends all sessions of `user`, and those that they have in others' names, whose
/// revocations it gives. The user's own tokens are voided by whoever calls, all at once.
pub(crate) async fn end_all(
    connection: &mut AsyncPgConnection,
    user: UserId,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    let ended = store::end_all(connection, user, None, why, now).await?;
    tell(connection, user, &ended, why).await?;
    end_impersonations(connection, user, why, now).await
}

/// Ends all sessions of `user` but one, and voids their tokens; which ended.
pub(crate) async fn end_others(
    connection: &mut AsyncPgConnection,
    user: UserId,
    kept: SessionId,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    let ended = store::end_all(connection, user, Some(kept), why, now).await?;
    tell(connection, user, &ended, why).await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let voided = ended.iter().map(|(session, _)| Revocation::of_session(*session)).collect();
    revocation::write(connection, voided, why).await
}

async fn tell(
    connection: &mut AsyncPgConnection,
    user: UserId,
    ended: &[(SessionId, OrgId)],
    why: &str,
) -> db::Result<()> {
    for (session_id, org_id) in ended.iter().copied() {
        let event = SessionRevoked { session_id, user_id: user, org_id, reason: why.to_owned() };
        publish(connection, &event).await?;
    }
    Ok(())
}

/// Ends all sessions that `administrator` has in others' names, and voids their tokens.
pub(crate) async fn end_impersonations(
    connection: &mut AsyncPgConnection,
    administrator: UserId,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    let ended = store::end_impersonations(connection, administrator, why, now).await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let mut voided = Vec::new();
    for (session_id, user_id, org_id) in ended {
        publish(connection, &SessionRevoked { session_id, user_id, org_id, reason: why.to_owned() }).await?;
        voided.push(Revocation::of_session(session_id));
    }
    revocation::write(connection, voided, why).await
}
