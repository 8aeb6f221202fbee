use std::time::Duration;

use contract_auth::Secret;
use events::Issued;
use identity::{Actor, Claims, EDGE_AUDIENCE, Scopes};
use ids::{ApiKeyId, GrantId, OrgId, SessionId, Timestamp, UserId};
use service_discovery::Service;
use uuid::Uuid;

use super::IssueError;
use crate::{api_key::Proof, rights::Rights, signing_key::SigningKeys};

/// How long a service's own token lives, and one on behalf of somebody.
pub(super) const SERVICE: Duration = Duration::from_secs(5 * 60);

/// Whom a token speaks for, and what it may do.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) sub: String,
    pub(crate) org: Option<OrgId>,
    pub(crate) scopes: Scopes,
    pub(crate) roles: Vec<String>,
    pub(crate) version: i64,
    pub(crate) sid: Option<String>,
    /// The version of that session or API key; a grant has none.
    pub(crate) sid_version: i64,
    pub(crate) actor: Option<Actor>,
    /// When the user last proved who they are, if there was a login.
    pub(crate) authenticated_at: Option<Timestamp>,
    /// How they did (RFC 8176).
    pub(crate) methods: Vec<String>,
    /// The API key's own limit.
    pub(crate) requests_a_minute: Option<u32>,
}

impl Subject {
    /// A user in a login session: all that their roles permit.
    /// `session` comes with its version.
    pub(crate) fn session(user: UserId, org: OrgId, session: (SessionId, i64), rights: &Rights) -> Self {
        let (id, version) = session;
        let subject = Self::user(user, org, rights, rights.scopes.iter().collect::<Scopes>(), id.to_string());
        Self { sid_version: version, ..subject }
    }

    /// A user by an API key: what the key holds and their roles *still* permit.
    pub(crate) fn api_key(id: ApiKeyId, key: &Proof, rights: &Rights) -> Self {
        let permitted = rights.scopes.iter().collect::<Scopes>();
        let scopes = key.scopes.iter().collect::<Scopes>().narrowed_to(&permitted);
        let subject = Self::user(key.user_id, key.org_id, rights, scopes, id.to_string());
        let requests_a_minute = key.rate_limit.and_then(|limit| u32::try_from(limit).ok());
        Self { sid_version: key.version, requests_a_minute, ..subject }
    }

    /// A user by a grant: `scopes` are what it holds and their roles *still* permit.
    pub(crate) fn grant(id: GrantId, (user, org): (UserId, OrgId), scopes: Scopes, rights: &Rights) -> Self {
        Self::user(user, org, rights, scopes, id.to_string())
    }

    /// One of our own services, in its own name.
    pub(crate) fn service(service: Service) -> Self {
        Self {
            sub: Claims::service_subject(service),
            org: None,
            scopes: Scopes::default(),
            roles: Vec::new(),
            version: 0,
            sid: None,
            sid_version: 0,
            actor: None,
            authenticated_at: None,
            methods: Vec::new(),
            requests_a_minute: None,
        }
    }

    fn user(user: UserId, org: OrgId, rights: &Rights, scopes: Scopes, sid: String) -> Self {
        Self {
            sub: user.to_string(),
            org: Some(org),
            scopes,
            roles: rights.roles.clone(),
            version: rights.version,
            sid: Some(sid),
            sid_version: 0,
            actor: None,
            authenticated_at: None,
            methods: Vec::new(),
            requests_a_minute: None,
        }
    }
}

/// Makes tokens in the name of this installation.
#[derive(Clone, Debug)]
pub(crate) struct TokenIssuer {
    issuer: String,
    keys: SigningKeys,
}

impl TokenIssuer {
    /// `issuer` is the origin of the gateway as clients see it.
    pub(crate) fn new(issuer: String, keys: SigningKeys) -> Self {
        Self { issuer, keys }
    }

    /// A token as clients hold it.
    pub(crate) fn for_clients(
        &self,
        subject: &Subject,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Secret, IssueError> {
        self.sign(subject, EDGE_AUDIENCE, lifetime, now)
    }

    /// A token for one of our own services.
    pub(crate) fn for_service(
        &self,
        subject: &Subject,
        audience: Service,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Secret, IssueError> {
        self.sign(subject, audience.name(), lifetime, now)
    }

    /// auth's own token for another service.
    pub(crate) fn own(&self, audience: Service) -> Result<Issued, IssueError> {
        let subject = Subject::service(Service::Auth);
        let token = self.for_service(&subject, audience, SERVICE, Timestamp::now())?;
        Ok(Issued { token, lasts: SERVICE })
    }

    fn sign(
        &self,
        subject: &Subject,
        audience: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<Secret, IssueError> {
        let Subject {
            sub,
            org,
            scopes,
            roles,
            version,
            sid,
            sid_version,
            actor,
            authenticated_at,
            methods,
            requests_a_minute,
        } = subject.clone();
        let claims = Claims {
            iss: self.issuer.clone(),
            sub,
            aud: audience.to_owned(),
            exp: (now + lifetime).unix_seconds(),
            iat: now.unix_seconds(),
            jti: Uuid::now_v7().simple().to_string(),
            org,
            scope: scopes,
            roles,
            ver: version,
            sid,
            sver: sid_version,
            auth_time: authenticated_at.map(Timestamp::unix_seconds),
            amr: methods,
            rpm: requests_a_minute,
            act: actor,
        };
        let key = self.keys.signing().ok_or(IssueError::NoKey)?;
        Ok(Secret::from(key.sign(&claims)?))
    }
}
