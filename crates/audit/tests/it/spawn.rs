//! A service with a log, on a database of the test's own.

use std::time::Duration;

use actix_web::{App, HttpServer, dev::ServerHandle, web::Data};
use audit::{Action, AuditEntry, AuditQuery, By, Entry, Log};
use identity::{Claims, Feed, Revocations, Trusted, Verifier};
use problem::HttpError;
use service_discovery::{Registry, Service};
use service_kit::{
    db::{self, Db},
    migrations::{Catalogue, Migrator},
    settings::{Database, Reader},
};
use testing::{Issuer, Person, TestDatabase};
use utoipa_actix_web::AppExt;

pub(crate) const BANNED: Action = Action::new("user.banned", "An administrator banned a user.");
pub(crate) const LOGGED_IN: Action = Action::new("session.created", "Somebody logged in.");

/// A log. Its database goes with this value.
pub(crate) struct Logged {
    pub(crate) database: TestDatabase,
    pub(crate) db: Db,
}

/// A database with a log.
pub(crate) async fn log() -> Logged {
    let database = TestDatabase::create("audit", async |url: String| migrate(&url).await).await;
    let variable = ("ORDER__DATABASE__URL".to_owned(), database.url().to_owned());
    let mut read = Reader::new(Service::Order, None, [variable]);
    let settings = Database::read(&mut read);
    let db = Db::new(&read.finish(settings).unwrap()).unwrap();
    Logged { database, db }
}

/// Makes the table, as the owner that the URL names.
pub(crate) async fn migrate(url: &str) {
    let catalogue = Catalogue::embedded(&[&audit::MIGRATIONS]).unwrap();
    Migrator::new(url, None, catalogue).unwrap().up().await.unwrap();
}

impl Logged {
    /// A word of this database's own.
    pub(crate) fn name(&self) -> &str {
        self.database.url().rsplit('_').next().unwrap()
    }

    /// The database's URL for another role, whose password is its name.
    pub(crate) fn url_as(&self, role: &str) -> String {
        let mut url: url::Url = self.database.url().parse().unwrap();
        url.set_username(role).unwrap();
        url.set_password(Some(role)).unwrap();
        url.into()
    }

    pub(crate) async fn record(&self, by: &By, entry: Entry) {
        audit::record(&mut self.db.connection().await.unwrap(), by, entry).await.unwrap();
    }

    /// What the log tells of this query, newest first.
    pub(crate) async fn tells(&self, query: AuditQuery) -> Vec<AuditEntry> {
        let log = Log::new(Service::Auth, self.db.clone(), &Registry::read(|_| None).unwrap()).unwrap();
        let query = AuditQuery { services: Some("auth".to_owned()), ..query };
        log.page(&query, async |_| unreachable!("it asks nobody else")).await.unwrap().data
    }
}

/// A service that lets its log be read. It ends with this value.
pub(crate) struct Telling {
    pub(crate) url: String,
    server: ServerHandle,
}

/// Serves the log of `service`.
pub(crate) fn serve(service: Service, db: &Db, issuer: &Issuer) -> Telling {
    let registry = Registry::read(|name| (name == "GATEWAY_INTERNAL_URL").then(|| issuer.url().to_owned()));
    let trusted = Trusted::gateway(&registry.unwrap(), service).unwrap();
    let revocations = Revocations::default();
    revocations.take(Feed::default());
    let verifier = Data::new(Verifier::new(vec![trusted], revocations));
    let db = Data::new(db.clone());
    let server = HttpServer::new(move || {
        let app = App::new().app_data(db.clone()).app_data(verifier.clone());
        app.into_utoipa_app().configure(|config| audit::internal_routes(config, service)).into_app()
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    Telling { url, server: handle }
}

impl Drop for Telling {
    fn drop(&mut self) {
        // The server ends by itself; nobody waits for it.
        drop(self.server.stop(false));
    }
}

/// The token of the service `own` for another.
pub(crate) fn token(issuer: &Issuer, own: Service, other: Service) -> String {
    let claims = issuer.claims(other, &Person::with_scopes(""));
    issuer.sign(&Claims { sub: Claims::service_subject(own), org: None, sid: None, ..claims })
}

/// A token that the log asks for and auth makes.
pub(crate) fn tokens(issuer: &Issuer) -> impl AsyncFn(Service) -> Result<String, HttpError> {
    async move |service| Ok(token(issuer, Service::Auth, service))
}

/// Writes an entry and fails after it.
pub(crate) async fn record_and_fail(db: &Db, by: &By, entry: Entry) {
    let outcome = db.transaction(async |conn| {
        audit::record(conn, by, entry).await?;
        Err::<(), db::Error>(diesel::result::Error::RollbackTransaction.into())
    });
    assert!(outcome.await.is_err());
}

/// Lets the clock of ids tick.
pub(crate) async fn tick() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}
