use std::{io, net::SocketAddr, sync::Arc};

use actix_web::web::Data;
use identity::{KeySource, Trusted, Verifier};
use observability::Metrics;
use sealing::Keyring;
use service_discovery::{CallError, Registry, Service};
use service_kit::{
    db::{ConnectError, Db},
    http::{Application, Check, Readiness, Routes, Server, database_check},
    migrations::CatalogueError,
};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    Settings, about,
    api_key::LastUsed,
    internal_routes, migrations,
    password::Hasher,
    routes,
    session::http::Minting,
    settings::{KeyEnvironment, PublicOrigin},
    signing_key::{SigningKeyError, SigningKeys},
    token::{Clients, Exchanges, TokenIssuer},
};

/// Why auth does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener cannot be bound.
    #[error("a listener cannot be bound")]
    Listen(#[from] io::Error),
    /// The database's settings cannot be used.
    #[error("the database cannot be set up")]
    Database(#[from] ConnectError),
    /// The schema cannot be known.
    #[error(transparent)]
    Migrations(#[from] CatalogueError),
    /// There is no key to sign with.
    #[error(transparent)]
    Keys(#[from] SigningKeyError),
    /// Another service cannot be placed.
    #[error(transparent)]
    Peer(#[from] CallError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(String),
}

/// auth, bound but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    db: Db,
    keys: SigningKeys,
    keyring: Data<Keyring>,
    last_used: Data<LastUsed>,
}

impl App {
    /// Binds the listeners and loads the signing keys; the first start makes them. A
    /// database that is away only keeps it from being ready.
    ///
    /// # Errors
    /// [`BuildError`] says what is in the way.
    pub async fn build(settings: Settings) -> Result<Self, BuildError> {
        let db = Db::new(&settings.database)?;
        let keys = SigningKeys::load(&db, &settings.keyring).await?;
        let server = Server::bind(&settings.http)?;
        let readiness = Readiness::new()
            .with("database", database_check(db.clone(), migrations()?))
            .with("keys", keys_check(&keys));
        let metrics =
            Metrics::new(Service::Auth.name()).map_err(|why| BuildError::Metrics(why.to_string()))?;
        let last_used = Data::new(LastUsed::default());
        let state = State::new(settings, &db, &keys, &last_used)?;
        let keyring = state.keyring.clone();
        let application = Application {
            service: Service::Auth,
            public: state.clone().with(routes),
            internal: state.with(internal_routes),
            about: about(),
            readiness,
            metrics,
        };
        Ok(Self { server, application, db, keys, keyring, last_used })
    }

    /// Where the public and the internal listener are.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.server.addresses()
    }

    /// Serves until `stop` ends, then finishes what runs.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let Self { server, application, db, keys, keyring, last_used } = self;
        let outcome = tokio::select! {
            outcome = server.run(application, stop) => outcome,
            error = keys.run(&db, &keyring) => Err(io::Error::other(error)),
            () = last_used.run(&db) => Err(io::Error::other("uses of API keys are no longer written")),
        };
        last_used.write(&db).await;
        outcome
    }
}

/// What the handlers of both listeners take.
#[derive(Clone)]
struct State {
    db: Data<Db>,
    hasher: Data<Hasher>,
    keyring: Data<Keyring>,
    keys: Data<SigningKeys>,
    minting: Data<Minting>,
    exchanges: Data<Exchanges>,
    clients: Data<Clients>,
    verifier: Data<Verifier>,
    origin: Data<PublicOrigin>,
    environment: Data<KeyEnvironment>,
}

impl State {
    fn new(
        settings: Settings,
        db: &Db,
        keys: &SigningKeys,
        last_used: &Data<LastUsed>,
    ) -> Result<Self, BuildError> {
        let origin = settings.registry.public_origin();
        let issuer = TokenIssuer::new(origin.clone(), keys.clone());
        let keyring = Data::new(settings.keyring);
        let exchanges = Exchanges {
            db: db.clone(),
            issuer: issuer.clone(),
            inside: verifier_of_all(&settings.registry, keys)?,
            last_used: last_used.clone(),
        };
        let minting = Minting {
            issuer,
            keyring: keyring.clone(),
            lifetimes: settings.lifetimes,
            policy: settings.login,
        };
        Ok(Self {
            db: Data::new(db.clone()),
            hasher: Data::new(Hasher::start(settings.passwords.threads, settings.passwords.waiting)?),
            keyring,
            keys: Data::new(keys.clone()),
            minting: Data::new(minting),
            exchanges: Data::new(exchanges),
            clients: Data::new(settings.clients),
            verifier: Data::new(verifier(&settings.registry, keys, settings.takes_clients_tokens)?),
            origin: Data::new(PublicOrigin(origin)),
            environment: Data::new(settings.key_environment),
        })
    }

    fn with(self, routes: fn(&mut ServiceConfig<'_>)) -> Routes {
        Arc::new(move |config| {
            config
                .app_data(self.db.clone())
                .app_data(self.hasher.clone())
                .app_data(self.keyring.clone())
                .app_data(self.keys.clone())
                .app_data(self.minting.clone())
                .app_data(self.exchanges.clone())
                .app_data(self.clients.clone())
                .app_data(self.verifier.clone())
                .app_data(self.origin.clone())
                .app_data(self.environment.clone());
            routes(config);
        })
    }
}

/// There is a key to sign with.
fn keys_check(keys: &SigningKeys) -> Check {
    let keys = keys.clone();
    Arc::new(move || {
        let loaded = keys.is_loaded();
        Box::pin(async move { if loaded { Ok(()) } else { Err("there is no signing key yet".to_owned()) } })
    })
}

/// Accepts what the gateway and auth itself made for auth.
fn verifier(
    registry: &Registry,
    keys: &SigningKeys,
    takes_clients_tokens: bool,
) -> Result<Verifier, CallError> {
    let own = Trusted::auth(registry, Service::Auth, takes_clients_tokens)?;
    let own = Trusted { keys: KeySource::Held(keys.verifying()), ..own };
    Ok(Verifier::new(vec![Trusted::gateway(registry, Service::Auth)?, own]))
}

/// Accepts what the gateway and auth itself made for any service: an exchange shows
/// auth a token that was meant for another.
fn verifier_of_all(registry: &Registry, keys: &SigningKeys) -> Result<Verifier, CallError> {
    let audiences: Vec<String> = Service::ALL.iter().map(ToString::to_string).collect();
    let gateway = Trusted { audiences: audiences.clone(), ..Trusted::gateway(registry, Service::Auth)? };
    let keys = KeySource::Held(keys.verifying());
    let own = Trusted { issuer: registry.public_origin(), audiences, keys };
    Ok(Verifier::new(vec![gateway, own]))
}
