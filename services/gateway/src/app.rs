use std::{io, net::SocketAddr, sync::Arc};

use actix_web::{HttpResponse, web};
use deadpool_redis::CreatePoolError;
use hyper::header::InvalidHeaderValue;
use identity::{Revocations, jwks_path};
use observability::Metrics;
use service_discovery::{CallError, Peer, Service};
use service_kit::{
    http::{Application, ConnectionLimit, Readiness, Routes, Server, state_check},
    tls::TlsError,
};

use crate::{
    about,
    access_log::{AccessLog, Writer},
    front::{Current, Lasting, Live},
    proxy::{HealthChecks, Up, Upstream, Ways},
    reload::{Reloader, Reloads, Source},
    routes,
    settings::Settings,
};

/// The gateway, bound but not yet serving.
pub struct App {
    server: Server,
    application: Application,
    ways: Ways,
    health_checks: HealthChecks,
    reloads: Reloads,
    revocations: Revocations,
    feed: Peer,
    /// Has written all of the access log when it is dropped.
    _written: Option<Writer>,
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
    /// The public origin cannot stand in a header.
    #[error("the public origin cannot stand in a header")]
    Origin(#[from] InvalidHeaderValue),
    /// A metric cannot be set up.
    #[error("the metrics cannot be set up")]
    Metrics(#[from] prometheus::Error),
    /// TLS to services cannot be set up.
    #[error("TLS to services cannot be set up")]
    Tls(#[from] TlsError),
}

impl App {
    /// Binds both listeners and sets up everything that requests need.
    ///
    /// # Errors
    /// [`BuildError`] says what is missing.
    pub async fn build(settings: Settings) -> Result<Self, BuildError> {
        let server = Server::bind(&settings.http)?;
        let (log, written) = AccessLog::open(&settings.access_log)?.unzip();
        let (revocations, metrics) = (Revocations::default(), Metrics::new(Service::Gateway.name())?);
        let lasting = Lasting::new(&settings, &revocations, &metrics)?;
        let live = Live::new(lasting.front(&settings, None).await?);
        metrics.add(Up::new(live.clone())?)?;
        let (known, counted) = (revocations.clone(), live.clone());
        let connections = ConnectionLimit::new(move |address| counted.connections(address));
        let feed = lasting.feed.clone();
        let ways = Ways {
            endpoints: lasting.endpoints.clone(),
            live: live.clone(),
            encryption: lasting.encryption.clone(),
        };
        let reloads = Reloads::new(settings, lasting, live.clone(), &metrics)?;
        let application = Application {
            service: Service::Gateway,
            public: public(&ways, log),
            internal: internal(&live),
            about: about(),
            readiness: Readiness::new()
                .with("revocations", state_check(move || known.is_loaded(), "revocations were not read yet")),
            metrics,
        };
        let health_checks = HealthChecks::new(&ways);
        let server = server.limiting(connections);
        Ok(Self { server, application, ways, health_checks, reloads, revocations, feed, _written: written })
    }

    /// Reads its settings again from there, at SIGHUP, when the file changes, and when a
    /// [`Reloader`] asks for it. Without this, those with which it was built last.
    #[must_use]
    pub fn following(mut self, source: Source) -> Self {
        self.reloads.follow(source);
        self
    }

    /// Asks for a reload while it runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloads.reloader()
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
            ended = Box::pin(self.reloads.keep_up()) => ended.map(|never| match never {}),
            () = self.ways.endpoints.keep_fresh() => Err(io::Error::other("names are no longer resolved")),
            never = self.ways.encryption.keep_fresh() => match never {},
        }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What all workers share is made here, and what each has for itself when it starts.
fn public(ways: &Ways, log: Option<AccessLog>) -> Routes {
    let (ways, log) = (ways.clone(), log.map(web::Data::new));
    Arc::new(move |config| {
        config.app_data(web::Data::new(Upstream::new(&ways))).app_data(ways.live.clone());
        if let Some(log) = &log {
            config.app_data(log.clone());
        }
        routes(config);
    })
}

/// The public halves of the keys that sign inward tokens.
fn internal(live: &Live) -> Routes {
    let live = live.clone();
    Arc::new(move |config| {
        let publish =
            |front: Current| std::future::ready(HttpResponse::Ok().json(front.door.mint.published()));
        config.app_data(live.clone()).route(&jwks_path(Service::Gateway), web::get().to(publish));
    })
}
