//! The service under test, on a database of the test's own.

use contract_webhook::{Client, Endpoint, NewEndpoint};
use identity::Claims;
use problem::Problem;
use service_discovery::{CallError, Peer, PeerOptions, Service};
use service_kit::{migrations::Migrator, settings::Reader};
use testing::{Issuer, Person, TestDatabase};
use tokio::sync::oneshot;
use webhook::{App, Settings};

/// The scopes of somebody who may change endpoints.
pub(crate) const WRITER: &str = "webhooks:read webhooks:write jobs:read jobs:write";

/// The scopes of somebody who may look at them.
pub(crate) const READER: &str = "webhooks:read";

/// The scopes of somebody who may do everything.
pub(crate) const ADMIN: &str = "webhooks:read webhooks:write webhooks:admin jobs:read jobs:write jobs:admin";

/// What seals in tests.
pub(crate) const SEALING_KEYS: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A running webhook. It ends, and its database goes, with this value.
pub(crate) struct Webhook {
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    pub(crate) issuer: Issuer,
    pub(crate) database: TestDatabase,
    pub(crate) base: String,
    pub(crate) internal: String,
    stop: Option<oneshot::Sender<()>>,
}

/// Starts webhook on ports that the system chooses, as in development.
pub(crate) async fn spawn() -> Webhook {
    spawn_with(&[]).await
}

/// With variables besides the usual ones, or in their place.
pub(crate) async fn spawn_with(variables: &[(&str, &str)]) -> Webhook {
    let migrate = async |url: String| {
        let migrator = Migrator::new(&url, None, webhook::migrations().unwrap()).unwrap();
        migrator.up().await.unwrap();
    };
    let database = TestDatabase::create(Service::Webhook, migrate).await;
    let issuer = Issuer::start();
    let (base, internal, stop) = start(database.url(), &issuer, variables);
    testing::until_ready(&base).await;
    let peer = Peer::new(&[base.parse().unwrap()], &PeerOptions::default()).unwrap();
    let client = Client::new(peer);
    Webhook { client, http: testing::http(), issuer, database, base, internal, stop: Some(stop) }
}

/// Starts webhook on the database at `url`; gives its public and its internal URL, and what ends it.
pub(crate) fn start(
    url: &str,
    issuer: &Issuer,
    variables: &[(&str, &str)],
) -> (String, String, oneshot::Sender<()>) {
    let usual = [
        ("WEBHOOK__HTTP__BIND", "127.0.0.1:0"),
        ("WEBHOOK__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("WEBHOOK__HTTP__WORKERS", "2"),
        ("WEBHOOK__DATABASE__URL", url),
        ("WEBHOOK__SEALING__KEYS", SEALING_KEYS),
        ("WEBHOOK__EVENTS__SUBSCRIBERS", ""),
        ("GATEWAY_INTERNAL_URL", issuer.url()),
        ("AUTH_INTERNAL_URL", issuer.url()),
        ("PLINTH_ENV", "development"),
    ];
    let all = usual.iter().chain(variables);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = Settings::read(Reader::new(Service::Webhook, None, all)).unwrap();
    let app = App::build(settings).unwrap();
    let (public, internal) = app.addresses().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::task::spawn_local(async move {
        app.run(async { drop(stopped.await) }).await.unwrap();
    });
    (format!("http://{public}"), format!("http://{internal}"), stop)
}

impl Drop for Webhook {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

impl Webhook {
    pub(crate) fn token(&self, person: &Person) -> String {
        self.issuer.token(Service::Webhook, person)
    }

    /// The own token of `service`.
    pub(crate) fn token_of(&self, service: Service) -> String {
        let claims = self.issuer.claims(Service::Webhook, &Person::with_scopes(""));
        let sub = Claims::service_subject(service);
        self.issuer.sign(&Claims { sub, org: None, sid: None, ..claims })
    }

    /// The token of somebody new who may change endpoints.
    pub(crate) fn writer(&self) -> String {
        self.token(&Person::with_scopes(WRITER))
    }

    /// Registers an endpoint at this URL.
    pub(crate) async fn endpoint(&self, token: &str, url: &str) -> Endpoint {
        self.client.create_endpoint(token, &NewEndpoint::at(url)).await.unwrap()
    }

    /// One number out of the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// The problem of a call that was refused.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> Problem {
    match outcome {
        Err(CallError::Refused(problem)) => *problem,
        other => panic!("a refusal is wanted: {other:?}"),
    }
}
