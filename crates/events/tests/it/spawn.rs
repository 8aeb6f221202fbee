//! A publisher and a receiver, each with a database of its own.

use std::{
    cell::Cell,
    net::{SocketAddr, TcpListener},
    rc::Rc,
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, web};
use contract_auth::Secret;
use contract_events::{Event, EventType};
use diesel::{
    sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use events::{Inbox, Issued, Relay, Subscriptions, Tokens, publish};
use identity::{Claims, Revocations, Trusted, Verifier};
use ids::OrgId;
use jobs::{Failure, Worker};
use observability::Metrics;
use serde::{Deserialize, Serialize};
use service_discovery::{Registry, Service};
use service_kit::{
    db::Db,
    migrations::{Catalogue, Migrator},
    settings::{Database, Reader},
};
use testing::{Issuer, Person, TestDatabase};
use tokio::sync::oneshot;
use utoipa_actix_web::AppExt;

/// Something has a new version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Changed {
    pub(crate) thing: String,
    pub(crate) version: i64,
}

impl Event for Changed {
    const TYPE: &'static str = "thing.changed";
    const DESCRIPTION: &'static str = "A thing has a new version.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        None
    }

    fn aggregate(&self) -> String {
        self.thing.clone()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { thing: "a".to_owned(), version: 1 }
    }
}

/// Nobody wants this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Ignored {}

impl Event for Ignored {
    const TYPE: &'static str = "thing.ignored";
    const DESCRIPTION: &'static str = "Nothing of interest.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        None
    }

    fn aggregate(&self) -> String {
        "nothing".to_owned()
    }

    fn version(&self) -> i64 {
        1
    }

    fn example() -> Self {
        Self {}
    }
}

/// A database of one side's own.
pub(crate) struct Side {
    pub(crate) database: TestDatabase,
    pub(crate) db: Db,
}

impl Side {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create("events", async |url| {
            let catalogue = Catalogue::embedded(&[&jobs::MIGRATIONS, &events::MIGRATIONS]).unwrap();
            Migrator::new(&url, None, catalogue).unwrap().up().await.unwrap();
        })
        .await;
        let db = pool(database.url());
        let mut conn = db.connection().await.unwrap();
        let effects = "CREATE TABLE effects (n bigserial PRIMARY KEY, thing text, version bigint)";
        conn.batch_execute(effects).await.unwrap();
        drop(conn);
        Self { database, db }
    }

    /// Publishes in a transaction of its own, which locks the thing as a service would.
    pub(crate) async fn publish(&self, thing: &str, version: i64) {
        let event = Changed { thing: thing.to_owned(), version };
        let done = self.db.transaction(async |conn| {
            publish(conn, &event).await?;
            Ok::<_, service_kit::db::Error>(())
        });
        done.await.unwrap();
    }

    /// One number that `sql` gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.database.connect().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// What handlers did, in order, as `thing:version`.
    pub(crate) async fn effects(&self) -> Vec<String> {
        let sql = "SELECT thing || ':' || version FROM effects ORDER BY n";
        let rows = self.database.connect().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// A pool for the database at `url`.
pub(crate) fn pool(url: &str) -> Db {
    let variables = [("AUTH__DATABASE__URL".to_owned(), url.to_owned())];
    let mut read = Reader::new(Service::Auth, None, variables);
    Db::new(&Database::read(&mut read).unwrap()).unwrap()
}

/// A service that takes events: HTTP and a worker. It stops with this value.
pub(crate) struct Receiver {
    pub(crate) url: String,
    server: ServerHandle,
    worker: Option<oneshot::Sender<()>>,
}

/// Which things are poison: their handler fails.
pub(crate) type Poison = Rc<Cell<bool>>;

impl Receiver {
    /// At an address that the system chooses, or at one where it was before.
    pub(crate) fn start(side: &Side, issuer: &Issuer, at: Option<&str>, poison: &Poison) -> Self {
        let poison = Rc::clone(poison);
        let subscriptions = Subscriptions::new()
            .on(Service::Auth, async move |conn, event| handle(conn, event, poison.get()).await);
        let inbox = Inbox::new(Service::Prefs, &subscriptions, vec![EventType::of::<Changed>()]);
        let (server, address) = serve(inbox, side.db.clone(), issuer, at);
        let handlers = subscriptions.handled_by(jobs::Handlers::new());
        let worker = Worker::new(side.db.clone(), handlers, jobs::Options::default());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::task::spawn_local(worker.run(async { drop(stopped.await) }));
        Self { url: format!("http://{address}"), server, worker: Some(stop) }
    }

    pub(crate) async fn stop(mut self) {
        self.server.stop(false).await;
        // It may have ended.
        let _ = self.worker.take().map(|worker| worker.send(()));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn serve(inbox: Inbox, db: Db, issuer: &Issuer, at: Option<&str>) -> (ServerHandle, SocketAddr) {
    let registry = registry(&[("GATEWAY_INTERNAL_URL", issuer.url())]);
    let trusted = Trusted::gateway(&registry, Service::Prefs).unwrap();
    let verifier = web::Data::new(Verifier::new(vec![trusted], Revocations::default()));
    let address = at.map_or("127.0.0.1:0", |url| url.strip_prefix("http://").unwrap());
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(move || {
        let (app, inbox) = (App::new().app_data(web::Data::new(db.clone())), inbox.clone());
        app.app_data(verifier.clone())
            .into_utoipa_app()
            .configure(move |config| inbox.routes(config))
            .into_app()
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .unwrap()
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    (handle, address)
}

async fn handle(conn: &mut AsyncPgConnection, event: Changed, poison: bool) -> Result<(), Failure> {
    sql_query("INSERT INTO effects (thing, version) VALUES ($1, $2)")
        .bind::<Text, _>(&event.thing)
        .bind::<BigInt, _>(event.version)
        .execute(conn)
        .await?;
    if poison && event.thing == "poison" {
        return Err(Failure::discard("it is poison"));
    }
    Ok(())
}

/// A relay of the log of `side` to the receiver at `url`.
pub(crate) fn relay(side: &Side, issuer: &Issuer, url: &str) -> Relay {
    relay_of(&side.db, token(issuer, Service::Auth), url, &Metrics::new("auth").unwrap())
}

/// A relay that shows `token`.
pub(crate) fn relay_of(db: &Db, token: String, url: &str, metrics: &Metrics) -> Relay {
    let tokens = Tokens::by(async move |_service| {
        Ok(Issued { token: Secret::from(token.clone()), lasts: Duration::from_secs(600) })
    });
    Relay::new(db, &[Service::Prefs], &registry(&[("PREFS_INTERNAL_URL", url)]), &tokens, metrics).unwrap()
}

fn registry(variables: &[(&str, &str)]) -> Registry {
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, url)| (*url).to_owned());
    Registry::read(find).unwrap()
}

/// The own token of `service`, for prefs; good for ten minutes.
pub(crate) fn token(issuer: &Issuer, service: Service) -> String {
    let claims = issuer.claims(Service::Prefs, &Person::with_scopes(""));
    let sub = Claims::service_subject(service);
    issuer.sign(&Claims { sub, org: None, sid: None, exp: claims.exp + 600, ..claims })
}

/// Runs a relay until the sender is dropped or says so.
pub(crate) fn run(relay: Relay) -> oneshot::Sender<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::task::spawn_local(relay.run(async { drop(stopped.await) }));
    stop
}

/// Waits until `holds`, for as long as a busy machine may need.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within 30 s: {what}");
}
