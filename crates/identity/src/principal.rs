use std::fmt;

use ids::{ApiKeyId, GrantId, OrgId, SessionId, Timestamp, UserId};

use crate::{Actor, Claims, Refusal, Scopes};

/// The person who calls, as the token proves.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who.
    pub user: UserId,
    /// In which organisation: whose data is read and written.
    pub org: OrgId,
    /// What the token may do.
    pub scopes: Scopes,
    /// The user's roles.
    pub roles: Vec<String>,
    /// What the token was made from.
    pub credential: Credential,
    /// Who acts in the user's name, if somebody does.
    pub actor: Option<Actor>,
    /// When the user last proved who they are, if there was a login.
    pub authenticated_at: Option<Timestamp>,
    /// How they did (RFC 8176): `pwd`, `otp`, `mfa`.
    pub methods: Vec<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// The versions that the token carries, of the user's rights and of the API key:
    /// what a revocation is held against.
    pub versions: (i64, i64),
}

/// What a token was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A login session.
    Session(SessionId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// A leave that the user gave to long-running work.
    Grant(GrantId),
}

impl fmt::Display for Credential {
    /// Its id: what `sid` says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
            Self::Grant(id) => id.fmt(f),
        }
    }
}

impl Principal {
    /// The session of the caller.
    ///
    /// # Errors
    /// [`Refusal::SessionRequired`] for an API key, or when somebody else acts in
    /// the user's name.
    pub fn session(&self) -> Result<SessionId, Refusal> {
        match self.credential {
            Credential::Session(id) if self.actor.is_none() => Ok(id),
            _ => Err(Refusal::SessionRequired),
        }
    }
}

impl TryFrom<Claims> for Principal {
    type Error = Refusal;

    fn try_from(claims: Claims) -> Result<Self, Self::Error> {
        if claims.service().is_some() {
            return Err(Refusal::PersonRequired);
        }
        let expires_at = claims.expires_at();
        let user = claims.sub.parse().map_err(|_why| Refusal::Invalid("its subject is no user"))?;
        let org = claims.org.ok_or(Refusal::Invalid("it names no organisation"))?;
        let credential = claims.sid.as_deref().and_then(credential);
        let credential = credential.ok_or(Refusal::Invalid("it names no session and no key"))?;
        Ok(Self {
            user,
            org,
            scopes: claims.scope,
            roles: claims.roles,
            credential,
            actor: claims.act,
            authenticated_at: claims.auth_time.and_then(Timestamp::from_unix_seconds),
            methods: claims.amr,
            expires_at,
            versions: (claims.ver, claims.sver),
        })
    }
}

fn credential(sid: &str) -> Option<Credential> {
    let session = sid.parse().map(Credential::Session);
    let key = |_| sid.parse().map(Credential::ApiKey);
    session.or_else(key).or_else(|_| sid.parse().map(Credential::Grant)).ok()
}
