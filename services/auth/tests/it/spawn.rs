//! auth on a port and a database of its own, and people who use it.

use std::time::Duration;

use auth::{App, Settings};
use contract_auth::{Client, Login, NewApiKey, NewApiKeyText, Registration, Secret, Tokens};
use identity::Claims;
use ids::{SessionId, UserId};
use secrecy::SecretString;
use service_discovery::{CallError, Peer, PeerOptions, Service};
use service_kit::{migrations::Migrator, settings::Reader};
use testing::{Issuer, TestDatabase};
use tokio::sync::oneshot;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const CLIENT_SECRET: &str = "the gateway's secret, long enough for a test";
pub(crate) const PREFS_SECRET: &str = "the secret of prefs, long enough for a test too";
pub(crate) const NOTIFY_SECRET: &str = "the secret of notify, long enough for a test too";
/// The setting by which accounts are deleted without a time of grace.
pub(crate) const AT_ONCE: (&str, &str) = ("AUTH__ACCOUNTS__DELETION_GRACE_DAYS", "0");
pub(crate) const SEALING_KEYS: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A running auth; it ends with this value.
pub(crate) struct Auth {
    pub(crate) db: TestDatabase,
    pub(crate) issuer: Issuer,
    pub(crate) base: String,
    pub(crate) internal_base: String,
    pub(crate) client: Client,
    pub(crate) internal: Client,
    pub(crate) stop: oneshot::Sender<()>,
}

pub(crate) async fn spawn() -> Auth {
    spawn_with(&[]).await
}

/// With these settings beside, or in place of, the usual ones.
pub(crate) async fn spawn_with(settings: &[(&str, &str)]) -> Auth {
    let db = TestDatabase::create(Service::Auth, async |url| {
        let migrator = Migrator::new(&url, None, auth::migrations().unwrap()).unwrap();
        migrator.up().await.unwrap();
    })
    .await;
    let issuer = Issuer::start();
    let (stop, stopped) = oneshot::channel::<()>();
    let (base, internal_base) = serve(settings_for(&db, &issuer, settings), async {
        let _ = stopped.await;
    })
    .await;
    let (client, internal) = (client_of(&base), client_of(&internal_base));
    Auth { db, issuer, base, internal_base, client, internal, stop }
}

/// Serves until `stop` ends; the URLs of the two listeners.
async fn serve(settings: Settings, stop: impl Future<Output = ()> + 'static) -> (String, String) {
    let app = App::build(settings).await.unwrap();
    let (public, internal) = app.addresses().unwrap();
    actix_web::rt::spawn(app.run(stop));
    (format!("http://{public}"), format!("http://{internal}"))
}

fn client_of(url: &str) -> Client {
    // A busy machine is no failure.
    let options = PeerOptions { timeout: Duration::from_secs(30), ..PeerOptions::default() };
    Client::new(Peer::new(&[url.parse().unwrap()], &options).unwrap())
}

fn settings_for(db: &TestDatabase, issuer: &Issuer, more: &[(&str, &str)]) -> Settings {
    let usual = [
        ("PLINTH_ENV", "development"),
        ("AUTH__HTTP__BIND", "127.0.0.1:0"),
        ("AUTH__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("AUTH__ROLE", "api"),
        ("AUTH__HTTP__WORKERS", "2"),
        ("AUTH__DATABASE__URL", db.url()),
        ("AUTH__SEALING__KEYS", SEALING_KEYS),
        ("AUTH__CLIENTS__GATEWAY", CLIENT_SECRET),
        ("AUTH__CLIENTS__PREFS", PREFS_SECRET),
        ("AUTH__CLIENTS__NOTIFY", NOTIFY_SECRET),
        ("AUTH__EXPORTS__SERVICES", ""),
        ("GATEWAY_INTERNAL_URL", issuer.url()),
    ];
    let variables = usual.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::read(Reader::new(Service::Auth, None, variables)).unwrap()
}

/// Somebody who registered and logged in.
pub(crate) struct Somebody {
    pub(crate) email: String,
    pub(crate) tokens: Tokens,
    /// What the gateway would send on in their name.
    pub(crate) inward: Secret,
}

impl Somebody {
    pub(crate) fn id(&self) -> UserId {
        claims_of(&self.tokens.access_token).sub.parse().unwrap()
    }
}

impl Auth {
    /// Another process on the same database, for the rest of the test.
    pub(crate) async fn another_process(&self) -> (Client, Client) {
        self.another_with(&[]).await
    }

    /// The same, with these settings beside, or in place of, the usual ones.
    pub(crate) async fn another_with(&self, settings: &[(&str, &str)]) -> (Client, Client) {
        let settings = settings_for(&self.db, &self.issuer, settings);
        let (base, internal) = serve(settings, std::future::pending()).await;
        (client_of(&base), client_of(&internal))
    }

    pub(crate) async fn register(&self, email: &str) {
        let registration = Registration { email: email.to_owned(), password: PASSWORD.into(), name: None };
        self.client.register(&registration).await.unwrap();
    }

    pub(crate) async fn login(&self, email: &str) -> Result<Tokens, CallError> {
        let login = Login { email: email.to_owned(), password: PASSWORD.into() };
        Ok(self.client.login(&login).await?.tokens().unwrap())
    }

    pub(crate) async fn somebody(&self, email: &str) -> Somebody {
        self.register(email).await;
        let tokens = self.login(email).await.unwrap();
        let inward = self.inward(&tokens.access_token);
        Somebody { email: email.to_owned(), tokens, inward }
    }

    /// The token that the gateway would mint from a client's.
    pub(crate) fn inward(&self, token: &Secret) -> Secret {
        let claims = claims_of(token);
        let claims = Claims { iss: identity::GATEWAY_ISSUER.to_owned(), aud: "auth".to_owned(), ..claims };
        self.issuer.sign(&claims).into()
    }

    pub(crate) async fn api_key(&self, who: &Somebody, scopes: &[&str]) -> NewApiKeyText {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let new = NewApiKey { name: "a key".to_owned(), scopes, expires_at: None, rate_limit: None };
        self.client.create_api_key(&who.inward, &new).await.unwrap()
    }

    /// The token of somebody who administers: another one each time.
    pub(crate) async fn admin(&self) -> Secret {
        let admin = self.somebody(&format!("admin-{}@example.com", SessionId::generate())).await;
        let id = admin.id().uuid();
        self.sql(&format!("UPDATE users SET email_verified_at = now() WHERE id = '{id}'")).await;
        self.sql(&format!("INSERT INTO user_roles (user_id, role) VALUES ('{id}', 'ADMIN')")).await;
        let scope = "auth:admin".parse().unwrap();
        self.issuer.sign(&Claims { scope, ..claims_of(&admin.inward) }).into()
    }

    /// Runs SQL behind auth's back.
    pub(crate) async fn sql(&self, sql: &str) -> u64 {
        self.db.connect().await.execute(sql, &[]).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.db.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

pub(crate) fn gateway_secret() -> SecretString {
    CLIENT_SECRET.to_owned().into()
}

/// What a token says, whoever signed it.
pub(crate) fn claims_of(token: &Secret) -> Claims {
    jsonwebtoken::dangerous::insecure_decode_claims(token.expose()).unwrap()
}

/// The status and code of a refusal.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> (u16, String) {
    match outcome {
        Err(CallError::Refused(problem)) => (problem.status, problem.code),
        other => panic!("a refusal was expected: {other:?}"),
    }
}

pub(crate) fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
