use ids::{ApiKeyId, OrgId, SessionId, Timestamp, UserId};

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
            expires_at,
            versions: (claims.ver, claims.sver),
        })
    }
}

fn credential(sid: &str) -> Option<Credential> {
    let session = sid.parse().map(Credential::Session);
    session.or_else(|_| sid.parse().map(Credential::ApiKey)).ok()
}
