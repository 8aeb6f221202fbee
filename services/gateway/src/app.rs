use std::{io, net::SocketAddr, sync::Arc};

use actix_web::{HttpResponse, web};
use deadpool_redis::{Config, CreatePoolError, Pool, Runtime};
use identity::{Revocations, SigningKey, feed_of_auth, jwks_path};
use jsonwebtoken::jwk::JwkSet;
use observability::Metrics;
use rate_limiter::{Limiter, Options};
use secrecy::ExposeSecret;
use service_discovery::{CallError, Peer, PeerOptions, Service};
use service_kit::http::{Application, ConnectionLimit, Readiness, Routes, Server, state_check};

use tracing_appender::non_blocking::WorkerGuard;

use crate::{
    about,
    access_log::AccessLog,
    credential::{Credentials, Exchanges, Shared, edge_verifier},
    document::Library,
    inward::Mint,
    limit::RateLimits,
    openapi,
    origin::Origins,
    path::Table,
    proxy::{Balance, Door, Endpoints, HealthChecks, Upstream},
    routes,
    settings::Settings,
    status::Board,
};

/// The gateway, bound but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    endpoints: Endpoints,
    health_checks: HealthChecks,
    revocations: Revocations,
    feed: Peer,
    /// Has written all of the access log when it is dropped.
    _written: Option<WorkerGuard>,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener cannot be bound.
    #[error("a listener cannot be bound")]
    Listen(#[from] io::Error),
    /// A service cannot be placed.
    #[error(transparent)]
    Peer(#[from] CallError),
    /// Redis cannot be set up.
    #[error("Redis cannot be set up")]
    Redis(#[from] CreatePoolError),
    /// A metric cannot be set up.
    #[error("the metrics cannot be set up")]
    Metrics(#[from] prometheus::Error),
}

impl App {
    /// Binds both listeners and sets up everything that requests need.
    ///
    /// # Errors
    /// [`BuildError`] says what is missing.
    pub async fn build(settings: Settings) -> Result<Self, BuildError> {
        let trusted = settings.trusted_proxies.clone();
        let exempt = move |address| trusted.iter().any(|network| network.contains(&address));
        let connections = ConnectionLimit::new(settings.connections_per_address, exempt);
        let server = Server::bind(&settings.http)?.limiting(connections);
        let log = AccessLog::open(&settings.access_log, &settings.trusted_proxies)?;
        let (log, written) = log.unzip();
        let bases = settings.services.iter().flat_map(|service| settings.registry.public(*service));
        let endpoints = Endpoints::resolve(bases).await;
        let (revocations, feed) = (Revocations::default(), feed_of_auth(&settings.registry)?);
        let known = revocations.clone();
        let metrics = Metrics::new(Service::Gateway.name())?;
        let balance = Balance::new(&settings.registry, &settings.services, &metrics)?;
        let health_checks = HealthChecks::new(balance.clone(), endpoints.clone(), settings.health);
        let application = Application {
            service: Service::Gateway,
            public: public(&settings, balance, endpoints.clone(), &revocations, log)?,
            internal: internal(&settings.keys),
            about: about(),
            readiness: Readiness::new()
                .with("revocations", state_check(move || known.is_loaded(), "revocations were not read yet")),
            metrics,
        };
        Ok(Self { server, application, endpoints, health_checks, revocations, feed, _written: written })
    }

    /// Where the public and the internal listener are.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        self.server.addresses()
    }

    /// Serves until `stop` ends and what runs is finished.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tokio::select! {
            ended = self.server.run(self.application, stop) => ended,
            never = self.revocations.follow(&self.feed) => match never {},
            never = self.health_checks.keep_asking() => match never {},
            () = self.endpoints.keep_fresh() => Err(io::Error::other("names are no longer resolved")),
        }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What all workers share is made here, and what each has for itself when it starts.
fn public(
    settings: &Settings,
    balance: Balance,
    endpoints: Endpoints,
    revocations: &Revocations,
    log: Option<AccessLog>,
) -> Result<Routes, BuildError> {
    let Settings { registry, services, limits, .. } = settings.clone();
    let own = serde_json::to_value(openapi()).unwrap_or_default();
    let library = web::Data::new(Library::new(own, &registry, &services)?);
    let board = web::Data::new(Board::new(&registry, &services)?);
    let origins = web::Data::new(Origins::of(&registry));
    let door = web::Data::new(door(settings, revocations)?);
    let log = log.map(web::Data::new);
    Ok(Arc::new(move |config| {
        let upstream = Upstream::new(balance.clone(), endpoints.clone(), limits);
        config
            .app_data(web::Data::new(upstream))
            .app_data(library.clone())
            .app_data(board.clone())
            .app_data(origins.clone())
            .app_data(door.clone());
        if let Some(log) = &log {
            config.app_data(log.clone());
        }
        routes(config);
    }))
}

fn door(settings: &Settings, revocations: &Revocations) -> Result<Door, BuildError> {
    let auth = Peer::new(settings.registry.internal(Service::Auth), &PeerOptions::default())?;
    let verifier = edge_verifier(&settings.registry, revocations.clone())?;
    let redis = Config::from_url(settings.redis_url.expose_secret()).create_pool(Some(Runtime::Tokio1))?;
    let exchanges = Exchanges::new(
        contract_auth::Client::new(auth),
        settings.client_secret.clone(),
        verifier.clone(),
        Shared::new(redis.clone(), settings.redis_patience),
    );
    let origin = settings.registry.public_origin();
    let (scheme, host) = origin.split_once("://").unwrap_or(("http", &origin));
    Ok(Door {
        table: Table::new(&settings.services),
        credentials: Credentials::new(verifier, exchanges),
        origins: Origins::of(&settings.registry),
        rate_limits: RateLimits::new(limiter(settings, redis), settings.rates.clone()),
        mint: Mint::new(Arc::clone(&settings.keys)),
        trusted_proxies: settings.trusted_proxies.clone(),
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        limits: settings.limits,
    })
}

/// One for all workers: what Redis refuses is remembered by the process.
fn limiter(settings: &Settings, redis: Pool) -> Limiter {
    let (patience, replicas) = (settings.redis_patience, settings.rates.replicas);
    Limiter::new(redis, Options { space: "gateway:limits".to_owned(), patience, replicas })
}

/// The public halves of the keys that sign inward tokens.
fn internal(keys: &[SigningKey]) -> Routes {
    let keys = web::Data::new(JwkSet { keys: keys.iter().map(SigningKey::public_jwk).collect() });
    Arc::new(move |config| {
        let publish = |keys: web::Data<JwkSet>| std::future::ready(HttpResponse::Ok().json(&**keys));
        config.app_data(keys.clone()).route(&jwks_path(Service::Gateway), web::get().to(publish));
    })
}
