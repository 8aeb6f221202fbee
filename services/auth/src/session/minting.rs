use actix_web::web::Data;
use contract_auth::Tokens;
use diesel_async::AsyncPgConnection;
use ids::{OrgId, SessionId, Timestamp, UserId};
use sealing::Keyring;

use super::{
    Device, Lifetimes, RefreshToken, SessionError, rules,
    store::{self, NewSession},
};
use crate::{
    rights::{self, RightsError},
    settings::LoginPolicy,
    token::{Subject, TokenIssuer},
};

/// What makes pairs of tokens.
#[derive(Debug)]
pub(crate) struct Minting {
    pub(crate) issuer: TokenIssuer,
    pub(crate) keyring: Data<Keyring>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) policy: LoginPolicy,
}

impl Minting {
    /// Opens a session of `user` on a device; gives it and its first pair of tokens.
    pub(crate) async fn open(
        &self,
        connection: &mut AsyncPgConnection,
        device: &Device,
        org: OrgId,
        user: UserId,
    ) -> Result<(SessionId, Tokens), SessionError> {
        let now = Timestamp::now();
        let new = NewSession {
            id: SessionId::generate(),
            user,
            org,
            user_agent: device.user_agent.clone(),
            ip: device.origin.ip.map(|ip| ip.to_string()),
            now,
            expires_at: now + self.lifetimes.absolute,
        };
        store::insert(connection, &new).await?;
        let state = RefreshToken { session: new.id, counter: 0, issued_at: now };
        Ok((new.id, self.pair(connection, org, user, state, new.expires_at, now).await?))
    }

    /// The pair for a session in this state, with the user's rights as of now.
    pub(super) async fn pair(
        &self,
        connection: &mut AsyncPgConnection,
        org: OrgId,
        user: UserId,
        state: RefreshToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Tokens, SessionError> {
        let rights = rights::store::find(connection, org, user).await?.ok_or(RightsError::Ended)?;
        if rights.banned_at.is_some() {
            return Err(RightsError::Banned.into());
        }
        if self.policy.requires_verified_email && !rights.email_verified {
            return Err(SessionError::Unverified);
        }
        let subject = Subject::session(user, org, state.session, &rights);
        let access_token = self.issuer.for_clients(&subject, self.lifetimes.access, now)?;
        let refresh_expires_in = rules::remaining(expires_at, self.lifetimes.idle, now).as_secs();
        Ok(Tokens {
            access_token,
            token_type: "Bearer".to_owned(),
            expires_in: i64::try_from(self.lifetimes.access.as_secs()).unwrap_or(i64::MAX),
            refresh_token: state.seal(&self.keyring)?,
            refresh_expires_in: i64::try_from(refresh_expires_in).unwrap_or(i64::MAX),
        })
    }
}
