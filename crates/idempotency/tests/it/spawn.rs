//! The service under test, on a database of the test's own.

use std::sync::Arc;

use actix_web::{App, test, web::Data};
use identity::{Feed, Revocations, Trusted, Verifier};
use observability::Metrics;
use reqwest::RequestBuilder;
use sealing::Keyring;
use service_discovery::{Registry, Service};
use service_kit::{
    db::{Connector, Db},
    http::{Application, Readiness, Server, about},
    migrations::{Catalogue, Migrator},
    settings::{Database, Http, Reader},
};
use testing::{Issuer, Person, TestDatabase};
use tokio::sync::oneshot;
use utoipa_actix_web::AppExt;

use crate::thing::{Gate, NewThing, TABLE, routes};

/// A keyring of these keys, the first of which seals.
pub(crate) fn keyring(ids: &[u8]) -> Keyring {
    let key = |id: &u8| format!("k{id}:{}", data_encoding::BASE64.encode(&[*id; 32]));
    Keyring::parse(&ids.iter().map(key).collect::<Vec<_>>().join(",")).unwrap()
}

/// What the service's handlers take.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) db: Data<Db>,
    pub(crate) verifier: Data<Verifier>,
    pub(crate) keyring: Data<Keyring>,
    pub(crate) gate: Data<Gate>,
}

/// A running service. It ends, and its database goes, with this value.
pub(crate) struct Things {
    pub(crate) http: reqwest::Client,
    pub(crate) issuer: Issuer,
    pub(crate) database: TestDatabase,
    pub(crate) state: State,
    base: String,
    stop: Option<oneshot::Sender<()>>,
}

/// Starts the service on ports that the system chooses.
pub(crate) async fn spawn() -> Things {
    let database = TestDatabase::create("idempotency", async |url: String| {
        let catalogue = Catalogue::embedded(&[&idempotency::MIGRATIONS]).unwrap();
        Migrator::new(&url, None, catalogue).unwrap().up().await.unwrap();
        let mut connection = Connector::new(&url, None).unwrap().connect().await.unwrap();
        diesel_async::SimpleAsyncConnection::batch_execute(&mut connection, TABLE).await.unwrap();
    });
    let (database, issuer) = (database.await, Issuer::start());
    let state = State {
        db: Data::new(Db::new(&settings(database.url()).1).unwrap()),
        verifier: Data::new(verifier(&issuer)),
        keyring: Data::new(keyring(&[1])),
        gate: Data::default(),
    };
    let (base, stop) = start(database.url(), state.clone());
    Things { http: testing::http(), issuer, database, state, base, stop: Some(stop) }
}

fn verifier(issuer: &Issuer) -> Verifier {
    let registry = Registry::read(|name| (name == "GATEWAY_INTERNAL_URL").then(|| issuer.url().to_owned()));
    let trusted = Trusted::gateway(&registry.unwrap(), Service::Order).unwrap();
    let revocations = Revocations::default();
    revocations.take(Feed::default());
    Verifier::new(vec![trusted], revocations)
}

fn settings(url: &str) -> (Http, Database) {
    let variables = [
        ("ORDER__HTTP__BIND", "127.0.0.1:0"),
        ("ORDER__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("ORDER__HTTP__WORKERS", "2"),
        ("ORDER__DATABASE__URL", url),
        ("PLINTH_ENV", "development"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut read = Reader::new(Service::Order, None, variables);
    let http = Http::read(&mut read, Service::Order);
    let database = Database::read(&mut read);
    (http, read.finish(database).unwrap())
}

fn start(url: &str, state: State) -> (String, oneshot::Sender<()>) {
    let server = Server::bind(&settings(url).0).unwrap();
    let base = format!("http://{}", server.addresses().unwrap().0);
    let (stop, stopped) = oneshot::channel::<()>();
    let application = Application {
        service: Service::Order,
        public: Arc::new(move |config| {
            let State { db, verifier, keyring, gate } = state.clone();
            config.app_data(db).app_data(verifier).app_data(keyring).app_data(gate);
            routes(config);
        }),
        internal: Arc::new(|_| {}),
        about: about("Things", "To be made once."),
        readiness: Readiness::new(),
        metrics: Metrics::new("order").unwrap(),
    };
    tokio::task::spawn_local(async move {
        server.run(application, async { drop(stopped.await) }).await.unwrap();
    });
    (base, stop)
}

impl Drop for Things {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

impl Things {
    /// Another process of the service on the same database, with another keyring.
    pub(crate) fn restart(&mut self, keyring: Keyring) {
        // A pool of its own: the connections of the old one end with its threads.
        let db = Data::new(Db::new(&settings(self.database.url()).1).unwrap());
        let state = State { db, keyring: Data::new(keyring), ..self.state.clone() };
        let (base, stop) = start(self.database.url(), state);
        let _ = self.stop.replace(stop).map(|stop| stop.send(()));
        self.base = base;
    }

    /// Somebody who may make things.
    pub(crate) fn person(&self) -> Person {
        Person::with_scopes("things:write")
    }

    pub(crate) fn request(&self, person: &Person, path: &str) -> RequestBuilder {
        let token = self.issuer.token(Service::Order, person);
        self.http.post(format!("{}{path}", self.base)).bearer_auth(token)
    }

    /// Asks for a thing, with a key.
    pub(crate) fn make(&self, person: &Person, key: &str, new: NewThing) -> RequestBuilder {
        self.request(person, "/things/a").header("idempotency-key", key).json(&new)
    }

    /// Asks for a thing past the listener: the handler runs, and ends, with this
    /// future. Gives the status.
    pub(crate) async fn in_this_thread(&self, person: &Person, key: Option<&str>, new: NewThing) -> u16 {
        let State { db, verifier, keyring, gate } = self.state.clone();
        let app = App::new().app_data(db).app_data(verifier).app_data(keyring).app_data(gate);
        let app = test::init_service(app.into_utoipa_app().configure(routes).into_app()).await;
        let token = self.issuer.token(Service::Order, person);
        let request = test::TestRequest::post().uri("/things/a").set_json(new);
        let request = request.insert_header(("authorization", format!("Bearer {token}")));
        let request = match key {
            Some(key) => request.insert_header(("idempotency-key", key)),
            None => request,
        };
        test::call_service(&app, request.to_request()).await.status().as_u16()
    }

    /// How many things were made.
    pub(crate) async fn made(&self) -> i64 {
        self.count("things").await
    }

    /// How many replies are kept.
    pub(crate) async fn kept(&self) -> i64 {
        self.count("idempotency_records").await
    }

    async fn count(&self, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        self.database.connect().await.query_one(&count, &[]).await.unwrap().get(0)
    }
}

/// A reply as far as it must be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) replayed: bool,
    pub(crate) headers: [Option<String>; 3],
    pub(crate) body: String,
}

/// Sends a request and reads the reply.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let reply = request.send().await.unwrap();
    let header = |name| reply.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let headers = ["content-type", "location", "etag"].map(header);
    let (status, replayed) = (reply.status().as_u16(), header("idempotency-replayed").is_some());
    Answer { status, replayed, headers, body: reply.text().await.unwrap() }
}

impl Answer {
    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        let problem: problem::Problem = serde_json::from_str(&self.body).unwrap();
        problem.code
    }

    /// As it must come again.
    pub(crate) fn again(&self) -> Self {
        Self { replayed: true, ..self.clone() }
    }
}
