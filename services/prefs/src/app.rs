use std::{io, net::SocketAddr, sync::Arc};

use actix_web::web;
use identity::{Revocations, Trusted, Verifier, feed_of_auth};
use observability::Metrics;
use service_discovery::{CallError, Peer, Service};
use service_kit::{
    db::{ConnectError, Db},
    http::{Application, Readiness, Server, database_check, state_check},
    migrations::CatalogueError,
};

use crate::{Settings, about, migrations, namespace::Validators, routes};

/// The service, listening but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    revocations: Revocations,
    feed: Peer,
}

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener's address cannot be had.
    #[error("a listener cannot be had")]
    Listen(#[from] io::Error),
    /// The database's settings cannot be used.
    #[error(transparent)]
    Database(#[from] ConnectError),
    /// The issuers of tokens cannot be placed.
    #[error("the issuers of tokens cannot be placed")]
    Issuers(#[from] CallError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(String),
    /// The embedded migrations are in disorder.
    #[error(transparent)]
    Migrations(#[from] CatalogueError),
}

impl App {
    /// Binds the listeners and prepares what handlers need; connects to nothing yet.
    ///
    /// # Errors
    /// [`BuildError`] names what is missing.
    pub fn build(settings: Settings) -> Result<Self, BuildError> {
        let db = Db::new(&settings.database)?;
        let check = database_check(db.clone(), migrations()?);
        let gateway = Trusted::gateway(&settings.registry, Service::Prefs)?;
        let auth = Trusted::auth(&settings.registry, Service::Prefs, settings.takes_clients_tokens)?;
        let revocations = Revocations::new(settings.revocations_stale);
        let verifier = web::Data::new(Verifier::new(vec![gateway, auth], revocations.clone()));
        let feed = feed_of_auth(&settings.registry)?;
        let known = {
            let revocations = revocations.clone();
            move || revocations.is_loaded()
        };
        let (db, validators) = (web::Data::new(db), web::Data::new(Validators::default()));
        let application = Application {
            service: Service::Prefs,
            public: Arc::new(move |config| {
                config.app_data(db.clone()).app_data(verifier.clone()).app_data(validators.clone());
                routes(config);
            }),
            internal: Arc::new(|_| {}),
            about: about(),
            readiness: Readiness::new()
                .with("database", check)
                .with("revocations", state_check(known, "revocations were not read yet")),
            metrics: Metrics::new(Service::Prefs.name())
                .map_err(|why| BuildError::Metrics(why.to_string()))?,
        };
        Ok(Self { server: Server::bind(&settings.http)?, application, revocations, feed })
    }

    /// Where the public and the internal listener are.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.server.addresses()
    }

    /// Serves until `stop` ends, then lets what runs finish.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tokio::select! {
            ended = self.server.run(self.application, stop) => ended,
            never = self.revocations.follow(&self.feed) => match never {},
        }
    }
}
