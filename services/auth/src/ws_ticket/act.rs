//! How a ticket is made and what it becomes.

use std::time::Duration;

use contract_auth::Secret;
use diesel_async::AsyncPgConnection;
use identity::{Actor, Principal, Scopes};
use ids::{ApiKeyId, OneTimeTokenId, OrgId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    api_key,
    one_time::{self, NewToken, OneTimeError, Purpose},
    rights::{self, Rights},
    session::{self, Minting, store::Owner},
    token::{Subject, TokenError},
};

/// What a ticket is good for beside its user and organisation.
#[derive(Serialize, Deserialize)]
struct About {
    /// The session or API key of the credential that asked, as `sid` says it.
    sid: String,
    /// What that credential may do.
    scope: Scopes,
    /// Who acts in the user's name, if somebody does.
    act: Option<Actor>,
}

/// Makes a ticket for what the caller may do, as of now.
pub(super) async fn make(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    now: Timestamp,
) -> Result<OneTimeTokenId, TokenError> {
    let sid = caller.credential.to_string();
    let about = About { sid, scope: caller.scopes.clone(), act: caller.actor.clone() };
    let about = Some(serde_json::to_string(&about)?);
    let (user, org) = (Some(caller.user), Some(caller.org));
    let new = NewToken { purpose: Purpose::WebSocket, user, org, about };
    Ok(one_time::store::insert(connection, &new, now).await?)
}

/// Uses a ticket up: whom its token is to speak for, and for how long. What its credential
/// and user may do no more, the token may not either.
pub(crate) async fn redeem(
    connection: &mut AsyncPgConnection,
    minting: &Minting,
    ticket: &Secret,
    now: Timestamp,
) -> Result<(Subject, Duration), TokenError> {
    let id = one_time::open(&minting.keyring, Purpose::WebSocket, ticket.expose())?;
    let token = one_time::store::take(connection, Purpose::WebSocket, id, now).await?;
    let (Some(user), Some(org), Some(about)) = (token.user_id, token.org_id, token.about) else {
        return Err(OneTimeError::Invalid.into());
    };
    let About { sid, scope, act } = serde_json::from_str(&about)?;
    let (subject, ends) = match sid.parse::<SessionId>() {
        Ok(session) => of_session(connection, minting, (user, org), session, now).await?,
        Err(_) => of_api_key(connection, (user, org), &sid).await?,
    };
    let access = minting.lifetimes.access;
    let lifetime = ends.map_or(access, |ends| ends.since(now).min(access));
    if lifetime < Duration::from_secs(1) {
        return Err(OneTimeError::Invalid.into());
    }
    let scopes = subject.scopes.narrowed_to(&scope);
    Ok((Subject { scopes, actor: act, ..subject }, lifetime))
}

/// What the user may do now in the session, if it still acts in the organisation of the ticket,
/// and when that ends.
async fn of_session(
    connection: &mut AsyncPgConnection,
    minting: &Minting,
    (user, org): (UserId, OrgId),
    session: SessionId,
    now: Timestamp,
) -> Result<(Subject, Option<Timestamp>), TokenError> {
    let owner = session::act::alive(connection, session, minting.lifetimes.idle, now).await?;
    let same = |owner: &Owner| (owner.user_id, owner.org_id) == (user, org);
    let owner = owner.filter(same).ok_or(OneTimeError::Invalid)?;
    let subject = minting.subject(connection, &owner, session).await?;
    Ok((subject, Some(owner.expires_at)))
}

/// What the API key may do now, and when that ends.
async fn of_api_key(
    connection: &mut AsyncPgConnection,
    (user, org): (UserId, OrgId),
    sid: &str,
) -> Result<(Subject, Option<Timestamp>), TokenError> {
    let id: ApiKeyId = sid.parse().map_err(|_neither| OneTimeError::Invalid)?;
    let key = api_key::store::find_proof(connection, id).await?;
    let key = key.filter(|key| (key.user_id, key.org_id) == (user, org)).ok_or(OneTimeError::Invalid)?;
    let rights = rights::store::find(connection, org, user).await?;
    let rights = rights.filter(Rights::open_keys).ok_or(OneTimeError::Invalid)?;
    Ok((Subject::api_key(id, &key, &rights), key.expires_at))
}
