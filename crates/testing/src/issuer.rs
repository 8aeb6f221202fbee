use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, web};
use identity::{Claims, Feed, GATEWAY_ISSUER, REVOCATIONS_PATH, Revocation, SigningKey, Since, jwks_path};
use ids::{OrgId, SessionId, Timestamp, UserId};
use jsonwebtoken::jwk::JwkSet;
use service_discovery::Service;

/// Somebody that a token speaks for.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// In which organisation.
    pub org: OrgId,
    /// What the token may do, separated by spaces.
    pub scopes: String,
    /// `USER`, `RESELLER`, `ADMIN`.
    pub roles: Vec<String>,
    /// The session or API key behind the token.
    pub sid: String,
}

impl Person {
    /// A new person in a new organisation, logged in, with these scopes.
    #[must_use]
    pub fn with_scopes(scopes: &str) -> Self {
        Self {
            user: UserId::generate(),
            org: OrgId::generate(),
            scopes: scopes.to_owned(),
            roles: vec!["USER".to_owned()],
            sid: SessionId::generate().to_string(),
        }
    }

    /// Another person of the same organisation, with the same scopes.
    #[must_use]
    pub fn colleague(&self) -> Self {
        Self { org: self.org, ..Self::with_scopes(&self.scopes) }
    }
}

/// Mints tokens as the gateway does and publishes their key over HTTP, and revokes
/// them as auth does by its feed, so that the service under test verifies them by the
/// code that it always runs.
#[derive(Debug)]
pub struct Issuer {
    key: SigningKey,
    url: String,
    server: ServerHandle,
    revoked: web::Data<Revoked>,
}

/// All that was revoked; a cursor is how much of it was told. `None`: nothing is told.
type Revoked = Mutex<Option<Vec<Revocation>>>;

impl Issuer {
    /// Starts to publish, on a port that the system chooses.
    #[expect(clippy::expect_used, reason = "a test without tokens cannot go on")]
    pub fn start() -> Self {
        let key = SigningKey::from_seed(&[42; 32]).expect("a key");
        let keys = web::Data::new(JwkSet { keys: vec![key.public_jwk()] });
        let path = jwks_path(Service::Gateway);
        let revoked = web::Data::new(Revoked::new(Some(Vec::new())));
        let shared = revoked.clone();
        let server = HttpServer::new(move || {
            let publish = |keys: web::Data<JwkSet>| std::future::ready(HttpResponse::Ok().json(&**keys));
            App::new()
                .app_data(keys.clone())
                .app_data(shared.clone())
                .route(&path, web::get().to(publish))
                .route(REVOCATIONS_PATH, web::get().to(feed))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { key, url, server: handle, revoked }
    }

    /// Voids tokens; the service under test hears of it within the second.
    pub fn revoke(&self, revocation: Revocation) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.get_or_insert_default().push(revocation);
    }

    /// From now on the feed of revocations fails, as when auth is away.
    pub fn fall_silent(&self) {
        *self.revoked.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What `GATEWAY_INTERNAL_URL` and `AUTH_INTERNAL_URL` are for the service under test.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The claims of `person`'s token for `service`, good for a minute.
    #[must_use]
    pub fn claims(&self, service: Service, person: &Person) -> Claims {
        let now = Timestamp::now();
        Claims {
            iss: GATEWAY_ISSUER.to_owned(),
            sub: person.user.to_string(),
            aud: service.name().to_owned(),
            exp: (now + Duration::from_secs(60)).unix_seconds(),
            iat: now.unix_seconds(),
            jti: SessionId::generate().to_string(),
            org: Some(person.org),
            scope: person.scopes.split(' ').filter(|scope| !scope.is_empty()).collect(),
            roles: person.roles.clone(),
            ver: 1,
            sid: Some(person.sid.clone()),
            sver: 0,
            auth_time: None,
            amr: Vec::new(),
            rpm: None,
            act: None,
        }
    }

    /// A token of these claims.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without tokens cannot go on")]
    pub fn sign(&self, claims: &Claims) -> String {
        self.key.sign(claims).expect("a token")
    }

    /// `person`'s token for `service`.
    #[must_use]
    pub fn token(&self, service: Service, person: &Person) -> String {
        self.sign(&self.claims(service, person))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // The server ends by itself; nobody waits for it.
        drop(self.server.stop(false));
    }
}

async fn feed(since: web::Query<Since>, revoked: web::Data<Revoked>) -> HttpResponse {
    let revoked = revoked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let reply = match revoked {
        Some(all) => {
            let told = since.since.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
            let feed =
                Feed { cursor: all.len().to_string(), revocations: all.into_iter().skip(told).collect() };
            HttpResponse::Ok().json(feed)
        }
        None => HttpResponse::ServiceUnavailable().finish(),
    };
    std::future::ready(reply).await
}
