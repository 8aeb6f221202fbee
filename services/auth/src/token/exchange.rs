use std::{sync::Arc, time::Duration};

use actix_web::web::Data;
use contract_auth::{ApiKeyText, IssuedToken, Secret, TokenRequest, grant_type, token_type};
use identity::{Actor, Claims, EDGE_AUDIENCE, Scopes, Verifier};
use ids::Timestamp;
use service_discovery::Service;
use service_kit::db::Db;

use super::{Subject, TokenError, TokenIssuer, issuer::SERVICE};
use crate::{
    api_key::{self, LastUsed},
    grant,
    rights::{self, Rights},
    session::{self, Minting, SessionError},
    ws_ticket,
};

/// How long the token of an API key or of a cookie lives: the gateway fetches the next one
/// after a third of it, so that auth may be down for the rest.
const HELD: Duration = Duration::from_secs(15 * 60);

/// All that the token of a link to webhook's portal may do.
const PORTAL: [&str; 2] = ["webhooks:read", "webhooks:write"];

/// What turns one proof into a token for another use.
#[derive(Debug)]
pub(crate) struct Exchanges {
    pub(crate) db: Db,
    pub(crate) issuer: TokenIssuer,
    /// Accepts what the gateway and auth made for any service.
    pub(crate) inside: Verifier,
    pub(crate) last_used: Data<LastUsed>,
    pub(crate) minting: Data<Minting>,
}

impl Exchanges {
    /// The token that `client` asks for.
    pub(crate) async fn issue(
        &self,
        client: Service,
        request: &TokenRequest,
    ) -> Result<IssuedToken, TokenError> {
        let now = Timestamp::now();
        match request.grant_type.as_str() {
            grant_type::CLIENT_CREDENTIALS => self.own(client, service_named(request)?, now),
            grant_type::TOKEN_EXCHANGE => {
                let missing = |name: &str| TokenError::InvalidRequest(format!("`{name}` is missing"));
                let subject = request.subject_token.as_ref().ok_or_else(|| missing("subject_token"))?;
                match request.subject_token_type.as_deref() {
                    Some(token_type::API_KEY) => self.api_key(client, request, subject, now).await,
                    Some(token_type::SESSION_COOKIE) => {
                        self.session_cookie(client, request, subject, now).await
                    }
                    Some(token_type::WS_TICKET) => self.ws_ticket(client, request, subject, now).await,
                    Some(token_type::GRANT) => self.grant(client, request, subject, now).await,
                    Some(token_type::ACCESS_TOKEN) => self.on_behalf(client, request, subject, now).await,
                    Some(_) => Err(TokenError::InvalidRequest("`subject_token_type` is unknown".to_owned())),
                    None => Err(missing("subject_token_type")),
                }
            }
            _ => Err(TokenError::UnsupportedGrant),
        }
    }

    /// The service's own token for another service.
    fn own(&self, client: Service, audience: Service, now: Timestamp) -> Result<IssuedToken, TokenError> {
        let subject = Subject::service(client);
        let token = self.issuer.for_service(&subject, audience, SERVICE, now)?;
        Ok(issued(token, SERVICE, &subject.scopes))
    }

    /// An API key for a token as clients hold it. Only the gateway may ask: nobody
    /// else is shown keys.
    async fn api_key(
        &self,
        client: Service,
        request: &TokenRequest,
        key: &Secret,
        now: Timestamp,
    ) -> Result<IssuedToken, TokenError> {
        if client != Service::Gateway || request.audience.as_deref() != Some(EDGE_AUDIENCE) {
            return Err(TokenError::InvalidTarget);
        }
        let refused = || TokenError::InvalidGrant("this API key opens nothing".to_owned());
        let text: ApiKeyText = key.expose().parse().map_err(|_why| refused())?;
        let mut connection = self.db.connection().await?;
        let proof = api_key::store::find_proof(&mut connection, text.id()).await?.ok_or_else(refused)?;
        let opens = proof.opens(&text.secret_hash(), now).ok_or_else(refused)?;
        let lifetime = opens.until.map_or(HELD, |until| until.since(now).min(HELD));
        let rights = rights::store::find(&mut connection, proof.org_id, proof.user_id).await?;
        let rights = rights.filter(Rights::open_keys).ok_or_else(refused)?;
        if lifetime < Duration::from_secs(1) {
            return Err(refused());
        }
        let subject = Subject::api_key(text.id(), &proof, &rights);
        let token = self.issuer.for_clients(&subject, lifetime, now)?;
        self.last_used.note(text.id(), now);
        Ok(issued(token, lifetime, &subject.scopes))
    }

    /// The cookie of a browser's session for a token as clients hold it, with the user's
    /// rights as of now. Only the gateway may ask: nobody else is shown cookies.
    async fn session_cookie(
        &self,
        client: Service,
        request: &TokenRequest,
        text: &Secret,
        now: Timestamp,
    ) -> Result<IssuedToken, TokenError> {
        if client != Service::Gateway || request.audience.as_deref() != Some(EDGE_AUDIENCE) {
            return Err(TokenError::InvalidTarget);
        }
        let refused = || TokenError::InvalidGrant("this cookie opens nothing".to_owned());
        let session = session::cookie::open(&self.minting.keyring, text.expose());
        let session = session.map_err(SessionError::from)?.ok_or_else(refused)?;
        let mut connection = self.db.connection().await?;
        let idle = self.minting.lifetimes.idle;
        let owner = session::store::visit(&mut connection, session, idle, now).await?.ok_or_else(refused)?;
        let subject = self.minting.subject(&mut connection, &owner, session).await?;
        let lifetime = owner.expires_at.since(now).clamp(Duration::from_secs(1), HELD);
        let token = self.issuer.for_clients(&subject, lifetime, now)?;
        Ok(issued(token, lifetime, &subject.scopes))
    }

    /// A ticket for one WebSocket, which it uses up, for a token as clients hold it. Only the
    /// gateway may ask: sockets are opened there.
    async fn ws_ticket(
        &self,
        client: Service,
        request: &TokenRequest,
        ticket: &Secret,
        now: Timestamp,
    ) -> Result<IssuedToken, TokenError> {
        if client != Service::Gateway || request.audience.as_deref() != Some(EDGE_AUDIENCE) {
            return Err(TokenError::InvalidTarget);
        }
        let mut connection = self.db.connection().await?;
        let (subject, lifetime) = ws_ticket::redeem(&mut connection, &self.minting, ticket, now).await?;
        let token = self.issuer.for_clients(&subject, lifetime, now)?;
        Ok(issued(token, lifetime, &subject.scopes))
    }

    /// A token from a grant that `client` holds, for another service. auth itself takes
    /// none: work that nobody watches changes no account.
    async fn grant(
        &self,
        client: Service,
        request: &TokenRequest,
        grant: &Secret,
        now: Timestamp,
    ) -> Result<IssuedToken, TokenError> {
        let audience = service_named(request)?;
        if matches!(audience, Service::Auth | Service::Gateway) {
            return Err(TokenError::InvalidTarget);
        }
        let mut connection = self.db.connection().await?;
        let (subject, lasts) = grant::draw(&mut connection, client, grant.expose(), now).await?;
        let scopes = narrowed(subject.scopes, request.scope.as_deref());
        let (subject, lifetime) = (Subject { scopes, ..subject }, lasts.min(SERVICE));
        let token = self.issuer.for_service(&subject, audience, lifetime, now)?;
        Ok(issued(token, lifetime, &subject.scopes))
    }

    /// The token that came to `client` with a request, for one that `client` may send
    /// on to another service in the caller's name. It never holds more scopes.
    async fn on_behalf(
        &self,
        client: Service,
        request: &TokenRequest,
        token: &Secret,
        now: Timestamp,
    ) -> Result<IssuedToken, TokenError> {
        if request.audience.as_deref() == Some(EDGE_AUDIENCE) {
            return self.portal(client, request, token, now).await;
        }
        let audience = service_named(request)?;
        let claims = self.shown(client, token).await?;
        let scopes = narrowed(claims.scope.clone(), request.scope.as_deref());
        let subject = Subject { scopes, ..on_behalf(client, claims) };
        let token = self.issuer.for_service(&subject, audience, SERVICE, now)?;
        Ok(issued(token, SERVICE, &subject.scopes))
    }

    /// The token that came to webhook with a request, for one that somebody else may hold, who is to look
    /// after the caller's webhooks: it may do nothing else, and makes no further ones. It ends with what
    /// it was made from, and soon.
    async fn portal(
        &self,
        client: Service,
        request: &TokenRequest,
        token: &Secret,
        now: Timestamp,
    ) -> Result<IssuedToken, TokenError> {
        if client != Service::Webhook {
            return Err(TokenError::InvalidTarget);
        }
        let claims = self.shown(client, token).await?;
        if claims.act.is_some() {
            return Err(TokenError::InvalidGrant("it was made for somebody else already".to_owned()));
        }
        let scopes =
            narrowed(claims.scope.narrowed_to(&PORTAL.into_iter().collect()), request.scope.as_deref());
        let subject = Subject {
            scopes,
            roles: Vec::new(),
            authenticated_at: None,
            methods: Vec::new(),
            ..on_behalf(client, claims)
        };
        let token = self.issuer.for_clients(&subject, HELD, now)?;
        Ok(issued(token, HELD, &subject.scopes))
    }

    /// What a token says that came to `client` with a request of a person's.
    async fn shown(&self, client: Service, token: &Secret) -> Result<Claims, TokenError> {
        let claims = Arc::unwrap_or_clone(self.inside.verify(token.expose()).await?);
        if claims.aud != client.name() {
            return Err(TokenError::InvalidGrant(
                "it was not meant for the service that shows it".to_owned(),
            ));
        }
        if claims.service().is_some() {
            return Err(TokenError::InvalidGrant("it speaks for a service, not for a person".to_owned()));
        }
        Ok(claims)
    }
}

/// Whoever these claims are of, when `client` acts for them.
fn on_behalf(client: Service, claims: Claims) -> Subject {
    let actor = Actor { sub: Claims::service_subject(client), act: claims.act.map(Box::new) };
    Subject {
        sub: claims.sub,
        org: claims.org,
        scopes: claims.scope,
        roles: claims.roles,
        version: claims.ver,
        sid: claims.sid,
        sid_version: claims.sver,
        authenticated_at: claims.auth_time.and_then(Timestamp::from_unix_seconds),
        methods: claims.amr,
        requests_a_minute: claims.rpm,
        actor: Some(actor),
    }
}

fn service_named(request: &TokenRequest) -> Result<Service, TokenError> {
    request.audience.as_deref().and_then(|name| name.parse().ok()).ok_or(TokenError::InvalidTarget)
}

/// What is held, as far as it is wanted.
fn narrowed(held: Scopes, wanted: Option<&str>) -> Scopes {
    match wanted {
        Some(wanted) => held.narrowed_to(&wanted.split_ascii_whitespace().collect()),
        None => held,
    }
}

fn issued(token: Secret, lifetime: Duration, scopes: &Scopes) -> IssuedToken {
    IssuedToken {
        access_token: token,
        issued_token_type: token_type::ACCESS_TOKEN.to_owned(),
        token_type: "Bearer".to_owned(),
        expires_in: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        scope: scopes.to_string(),
    }
}
