//! The service under test, on a database of the test's own.

use contract_prefs::{Client, NamespaceName, NewNamespace, PreferenceDocument, Tagged, Writing};
use identity::Claims;
use prefs::{App, Settings};
use problem::Problem;
use serde_json::{Value, json};
use service_discovery::{CallError, Peer, PeerOptions, Service};
use service_kit::{migrations::Migrator, settings::Reader};
use testing::{Issuer, Person, TestDatabase};
use tokio::sync::oneshot;

/// The scopes of somebody who may use preferences.
pub(crate) const USER: &str = "prefs:read prefs:write flags:read flags:write jobs:read jobs:write";

/// The scopes of somebody who looks after an organisation.
pub(crate) const KEEPER: &str = "prefs:read prefs:write orgs:write";

/// The scopes of somebody who may do everything.
pub(crate) const ADMIN: &str =
    "prefs:read prefs:write prefs:admin orgs:write flags:read flags:write jobs:read jobs:write jobs:admin";

/// What seals in tests.
pub(crate) const SEALING_KEYS: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A running prefs. It ends, and its database goes, with this value.
pub(crate) struct Prefs {
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    pub(crate) issuer: Issuer,
    pub(crate) database: TestDatabase,
    pub(crate) base: String,
    pub(crate) internal: String,
    stop: Option<oneshot::Sender<()>>,
}

/// Starts prefs on ports that the system chooses.
pub(crate) async fn spawn() -> Prefs {
    let migrate = async |url: String| {
        let migrator = Migrator::new(&url, None, prefs::migrations().unwrap()).unwrap();
        migrator.up().await.unwrap();
    };
    let database = TestDatabase::create(Service::Prefs, migrate).await;
    let issuer = Issuer::start();
    let (base, internal, stop) = start(database.url(), &issuer);
    testing::until_ready(&base).await;
    let peer = Peer::new(&[base.parse().unwrap()], &PeerOptions::default()).unwrap();
    let client = Client::new(peer);
    Prefs { client, http: testing::http(), issuer, database, base, internal, stop: Some(stop) }
}

/// Starts prefs on the database at `url`; gives its public and its internal URL, and
/// what ends it.
pub(crate) fn start(url: &str, issuer: &Issuer) -> (String, String, oneshot::Sender<()>) {
    let variables = [
        ("PREFS__HTTP__BIND", "127.0.0.1:0"),
        ("PREFS__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("PREFS__HTTP__WORKERS", "2"),
        ("PREFS__DATABASE__URL", url),
        ("PREFS__SEALING__KEYS", SEALING_KEYS),
        ("PREFS__EVENTS__SUBSCRIBERS", ""),
        ("GATEWAY_INTERNAL_URL", issuer.url()),
        ("AUTH_INTERNAL_URL", issuer.url()),
        ("PLINTH_ENV", "development"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::read(Reader::new(Service::Prefs, None, variables)).unwrap();
    let app = App::build(settings).unwrap();
    let (public, internal) = app.addresses().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::task::spawn_local(async move {
        app.run(async { drop(stopped.await) }).await.unwrap();
    });
    (format!("http://{public}"), format!("http://{internal}"), stop)
}

impl Drop for Prefs {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

impl Prefs {
    pub(crate) fn token(&self, person: &Person) -> String {
        self.issuer.token(Service::Prefs, person)
    }

    /// The token of somebody new who may use preferences.
    pub(crate) fn user(&self) -> String {
        self.token(&Person::with_scopes(USER))
    }

    /// The token of somebody new who may do everything.
    pub(crate) fn admin(&self) -> String {
        self.token(&Person::with_scopes(ADMIN))
    }

    /// The own token of `service`.
    pub(crate) fn token_of(&self, service: Service) -> String {
        let claims = self.issuer.claims(Service::Prefs, &Person::with_scopes(""));
        let sub = Claims::service_subject(service);
        self.issuer.sign(&Claims { sub, org: None, sid: None, ..claims })
    }

    /// One number out of the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// A member of an organisation, and who looks after it; with their tokens.
    pub(crate) fn member_and_keeper(&self) -> (Person, String, String) {
        let member = Person::with_scopes(USER);
        let keeper = Person { scopes: KEEPER.to_owned(), ..member.colleague() };
        let tokens = (self.token(&member), self.token(&keeper));
        (member, tokens.0, tokens.1)
    }

    /// Registers a namespace.
    pub(crate) async fn register(&self, name: &str, schema: Value, defaults: Value) -> NamespaceName {
        let name: NamespaceName = name.parse().unwrap();
        let new = namespace(schema, defaults);
        self.client.put_namespace(&self.admin(), &name, Writing::New, &new).await.unwrap();
        name
    }

    /// Replaces a namespace, whatever it was.
    pub(crate) async fn replace(&self, name: &NamespaceName, schema: Value, defaults: Value) {
        let new = namespace(schema, defaults);
        self.client.put_namespace(&self.admin(), name, Writing::Over("*"), &new).await.unwrap();
    }

    /// Has a job of this kind run, as its schedule would.
    pub(crate) async fn run_job(&self, kind: &str) {
        let sql = "INSERT INTO jobs (id, kind, payload, priority, state, max_attempts)
                   VALUES (gen_random_uuid(), $1, '{}', 2, 'ready', 1)";
        self.database.connect().await.execute(sql, &[&kind]).await.unwrap();
    }

    /// Has it end.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }

    /// All that is stored of anybody's preferences, as text.
    pub(crate) async fn stored(&self) -> String {
        let dump = "SELECT coalesce(json_agg(d ORDER BY owner_id, namespace)::text, '') FROM documents d";
        self.database.connect().await.query_one(dump, &[]).await.unwrap().get(0)
    }
}

/// A namespace to register.
pub(crate) fn namespace(schema: Value, defaults: Value) -> NewNamespace {
    NewNamespace {
        description: "A test's.".to_owned(),
        schema,
        defaults: document(defaults),
        locks: Vec::new(),
        migration: Vec::new(),
    }
}

/// A schema of an object with these properties and no others.
pub(crate) fn closed(properties: Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// A JSON object as a document.
pub(crate) fn document(value: Value) -> PreferenceDocument {
    serde_json::from_value(value).unwrap()
}

/// A document as JSON.
pub(crate) fn value(tagged: &Tagged<PreferenceDocument>) -> Value {
    Value::Object(tagged.value.clone())
}

/// The problem of a call that was refused.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> Problem {
    match outcome {
        Err(CallError::Refused(problem)) => *problem,
        other => panic!("a refusal is wanted: {other:?}"),
    }
}

/// The first pointer and code of a problem's fields.
pub(crate) fn field(problem: &Problem) -> (&str, &str) {
    let first = problem.errors.first().unwrap();
    (first.pointer.as_str(), first.code.as_str())
}
