use std::{io, net::SocketAddr, sync::Arc};

use actix_web::web::Data;
use background::Background;
use egress::{Egress, EgressError};
use events::{Inbox, RelayError};
use futures_util::{FutureExt, future::try_join};
use identity::{Revocations, Trusted, Verifier, feed_of_auth};
use jobs::CronError;
use observability::Metrics;
use sealing::Keyring;
use service_discovery::{CallError, Peer, Service};
use service_kit::{
    db::{ConnectError, Db},
    http::{Application, Readiness, Routes, Server, database_check, state_check},
    migrations::CatalogueError,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    Settings, about, background::background, internal_routes, migrations, portal::Links, routes,
    subscriptions,
};

/// The service, listening but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    background: Background,
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
    /// Another service cannot be placed.
    #[error("another service cannot be placed")]
    Peer(#[from] CallError),
    /// Customers cannot be called.
    #[error("customers cannot be called")]
    Egress(#[from] EgressError),
    /// Events cannot be told.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A schedule cannot be kept.
    #[error(transparent)]
    Schedule(#[from] CronError),
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
        let revocations = Revocations::new(settings.revocations_stale);
        let known = {
            let revocations = revocations.clone();
            move || revocations.is_loaded()
        };
        let metrics =
            Metrics::new(Service::Webhook.name()).map_err(|why| BuildError::Metrics(why.to_string()))?;
        let egress = egress(&settings)?;
        let background = background(&settings, &db, &egress, &metrics)?;
        let feed = feed_of_auth(&settings.registry)?;
        let server = Server::bind(&settings.http)?;
        let inbox = Inbox::new(Service::Webhook, &subscriptions(), contract_webhook::events::catalogue());
        let state = State::new(settings, db, egress, revocations.clone())?;
        let application = Application {
            service: Service::Webhook,
            public: state.clone().with(routes),
            internal: state.with(move |config| internal_routes(config, &inbox)),
            about: about(),
            readiness: Readiness::new()
                .with("database", check)
                .with("revocations", state_check(known, "revocations were not read yet")),
            metrics,
        };
        Ok(Self { server, application, background, revocations, feed })
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
        let stop = stop.shared();
        let background = Box::pin(self.background.run(stop.clone()));
        tokio::select! {
            ended = try_join(self.server.run(self.application, stop.clone()), background) => ended.map(drop),
            never = self.revocations.follow(&self.feed) => match never {},
        }
    }
}

/// What the handlers of both listeners take.
#[derive(Clone)]
struct State {
    serves: bool,
    db: Data<Db>,
    verifier: Data<Verifier>,
    keyring: Data<Keyring>,
    egress: Data<Egress>,
    links: Data<Links>,
}

impl State {
    fn new(settings: Settings, db: Db, egress: Egress, revocations: Revocations) -> Result<Self, BuildError> {
        let gateway = Trusted::gateway(&settings.registry, Service::Webhook)?;
        let auth = Trusted::auth(&settings.registry, Service::Webhook, settings.takes_clients_tokens)?;
        let links = Links::new(&settings.registry, settings.publishing.secret.clone())?;
        Ok(Self {
            serves: settings.role.serves(),
            links: Data::new(links),
            db: Data::new(db),
            verifier: Data::new(Verifier::new(vec![gateway, auth], revocations).remembering()),
            keyring: Data::from(settings.keyring),
            egress: Data::new(egress),
        })
    }

    /// A listener's routes, with what they take. A process that does not serve has none.
    fn with(self, routes: impl Fn(&mut ServiceConfig<'_>) + Send + Sync + 'static) -> Routes {
        Arc::new(move |config| {
            config
                .app_data(self.db.clone())
                .app_data(self.verifier.clone())
                .app_data(self.keyring.clone())
                .app_data(self.egress.clone())
                .app_data(self.links.clone());
            if self.serves {
                routes(config);
            }
        })
    }
}

/// What calls customers.
fn egress(settings: &Settings) -> Result<Egress, EgressError> {
    Egress::new(egress::Options {
        policy: settings.egress.policy.clone(),
        proxy: settings.egress.proxy.clone(),
        user_agent: format!("Plinth-Webhook/{}", env!("CARGO_PKG_VERSION")),
        ..egress::Options::default()
    })
}
