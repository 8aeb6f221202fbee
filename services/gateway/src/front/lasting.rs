use std::sync::Arc;

use deadpool_redis::{Config, Pool, Runtime};
use hyper::header::{HeaderValue, InvalidHeaderValue};
use identity::{Revocations, feed_of_auth};
use observability::Metrics;
use rate_limiter::{Limiter, Options};
use secrecy::ExposeSecret;
use service_discovery::{Peer, Registry, Service};

use super::Front;
use crate::{
    app::BuildError,
    credential::{Credentials, Exchanges, Shared, edge_verifier},
    document::{Library, Shelf},
    inward::Mint,
    limit::RateLimits,
    openapi,
    origin::Origins,
    path::Table,
    proxy::{Balance, Counted, Door, Encryption, Endpoints},
    settings::Settings,
    status::Board,
};

/// What lasts while one front takes another's place: what is known, held and counted.
#[derive(Debug)]
pub(crate) struct Lasting {
    pub(crate) endpoints: Endpoints,
    pub(crate) encryption: Encryption,
    /// auth's internal listener, as the feed of revocations is asked.
    pub(crate) feed: Peer,
    /// The same, for all else.
    auth: [Peer; 2],
    credentials: Credentials,
    limiter: Limiter,
    counted: Counted,
    shelf: Arc<Shelf>,
    /// How services are asked whether they are up.
    asked: Peer,
}

impl Lasting {
    pub(crate) fn new(
        settings: &Settings,
        revocations: &Revocations,
        metrics: &Metrics,
    ) -> Result<Self, BuildError> {
        let redis =
            Config::from_url(settings.redis_url.expose_secret()).create_pool(Some(Runtime::Tokio1))?;
        let peer = || Peer::new(settings.registry.internal(Service::Auth), &settings.registry.peer_options());
        let auth = [peer()?, peer()?];
        let own = serde_json::to_value(openapi()).unwrap_or_default();
        Ok(Self {
            endpoints: Endpoints::default(),
            encryption: Encryption::new(settings.services_tls.clone()),
            feed: feed_of_auth(&settings.registry)?,
            credentials: credentials(settings, &auth, revocations, redis.clone()),
            auth,
            limiter: limiter(settings, redis),
            counted: Counted::new(metrics)?,
            shelf: Arc::new(Shelf::new(own, &settings.registry)?),
            asked: Board::asking(&settings.registry)?,
        })
    }

    /// The front that follows from these settings. What it shares with the one `before`, it
    /// takes over; and the names of its instances are looked up.
    pub(crate) async fn front(
        &self,
        settings: &Settings,
        before: Option<&Front>,
    ) -> Result<Front, BuildError> {
        let Settings { registry, services, .. } = settings;
        let bases = || services.iter().flat_map(|service| registry.public(*service));
        if bases().any(|base| base.scheme() == "https") {
            self.encryption.load()?;
        }
        Ok(Front {
            door: self.door(settings, before.map(|before| &before.door))?,
            balance: Balance::new(registry, services, &self.counted, before.map(|before| &before.balance)),
            library: Library::new(&self.shelf, registry, services)?,
            board: Board::new(&self.asked, registry, services)?,
            health: settings.health,
            connections_per_address: settings.connections_per_address,
            names: self.endpoints.resolve(bases()).await,
        })
    }

    /// The names of instances that have no address, and that were not there `before`.
    pub(crate) fn nowhere(&self, front: &Front, before: &Front) -> Vec<String> {
        self.endpoints.unknown(&front.names, &before.names)
    }

    /// Calls auth from now on where the registry says.
    pub(crate) fn relocate(&self, registry: &Registry) {
        for peer in self.auth.iter().chain([&self.feed]) {
            peer.relocate(registry.internal(Service::Auth));
        }
    }

    fn door(&self, settings: &Settings, before: Option<&Door>) -> Result<Door, InvalidHeaderValue> {
        let origin = settings.registry.public_origin();
        let (scheme, host) = origin.split_once("://").unwrap_or(("http", &origin));
        Ok(Door {
            table: Table::new(&settings.services),
            credentials: self.credentials.clone(),
            origins: Origins::of(&settings.registry),
            rate_limits: RateLimits::new(self.limiter.among(settings.rates.replicas), settings.rates.clone()),
            mint: Mint::new(Arc::clone(&settings.keys), before.map(|before| &before.mint)),
            trusted_proxies: settings.trusted_proxies.clone(),
            scheme: HeaderValue::from_str(scheme)?,
            host: HeaderValue::from_str(host)?,
            limits: settings.limits,
        })
    }
}

fn credentials(
    settings: &Settings,
    [keys, exchange]: &[Peer; 2],
    revocations: &Revocations,
    redis: Pool,
) -> Credentials {
    let verifier = edge_verifier(settings.registry.public_origin(), keys.clone(), revocations.clone());
    let exchanges = Exchanges::new(
        contract_auth::Client::new(exchange.clone()),
        settings.client_secret.clone(),
        verifier.clone(),
        Shared::new(redis, settings.redis_patience),
    );
    Credentials::new(verifier, exchanges)
}

/// One for all workers: what Redis refuses is remembered by the process.
fn limiter(settings: &Settings, redis: Pool) -> Limiter {
    let (patience, replicas) = (settings.redis_patience, settings.rates.replicas);
    Limiter::new(redis, Options { space: "gateway:limits".to_owned(), patience, replicas })
}
