//! Which services are up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpResponse, get};
use futures_util::future::join_all;
use reqwest::Method;
use serde::Serialize;
use service_discovery::{CallError, Peer, PeerOptions, Registry, Service};
use service_kit::http::Proxied;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::front::Current;

/// How long a service may take to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long an answer is good for, so that nobody can use it to hammer the services.
const FRESH: Duration = Duration::from_secs(1);

/// Whether all of Plinth is up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// `up` when every service is, else `down`.
    status: Condition,
    /// Each service behind the gateway.
    services: Vec<ServiceStatus>,
}

/// Whether one service is up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ServiceStatus {
    /// Its name.
    #[schema(example = "auth")]
    name: &'static str,
    /// Whether it said that it is ready.
    status: Condition,
    /// How long it took to say so, milliseconds.
    #[schema(example = 3)]
    latency_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    Up,
    Down,
}

/// Asks the services, and remembers for a second what they said.
#[derive(Debug)]
pub(crate) struct Board {
    peers: Vec<(Service, Peer)>,
    last: Mutex<Option<(Instant, Arc<Status>)>>,
}

impl Board {
    /// `asked` is how a service is.
    pub(crate) fn new(asked: &Peer, registry: &Registry, services: &[Service]) -> Result<Self, CallError> {
        let peer = |service: &Service| Ok((*service, asked.at(registry.public(*service))?));
        let peers = services.iter().map(peer).collect::<Result<_, CallError>>()?;
        Ok(Self { peers, last: Mutex::default() })
    }

    /// How a service is asked: patience is short.
    pub(crate) fn asking(registry: &Registry) -> Result<Peer, CallError> {
        let options = PeerOptions { connect_timeout: PATIENCE, timeout: PATIENCE, ..registry.peer_options() };
        Peer::new(registry.public(Service::Gateway), &options)
    }

    /// Those who come while it asks wait for its answer.
    async fn status(&self) -> Arc<Status> {
        let mut last = self.last.lock().await;
        if let Some((asked, status)) = &*last
            && asked.elapsed() < FRESH
        {
            return Arc::clone(status);
        }
        let services = join_all(self.peers.iter().map(ask)).await;
        let up = services.iter().all(|service| service.status == Condition::Up);
        let status = Arc::new(Status { status: if up { Condition::Up } else { Condition::Down }, services });
        *last = Some((Instant::now(), Arc::clone(&status)));
        status
    }
}

async fn ask((service, peer): &(Service, Peer)) -> ServiceStatus {
    let started = Instant::now();
    let ready = peer.send(peer.request(Method::GET, "/readyz")).await.is_ok();
    ServiceStatus {
        name: service.name(),
        status: if ready { Condition::Up } else { Condition::Down },
        latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// Which services are up.
#[utoipa::path(tag = "Gateway", responses(
    (status = 200, description = "All services are up.", body = Status),
    (status = 503, description = "One at least is down.", body = Status),
))]
#[get("/status")]
pub(crate) async fn get_status(front: Current) -> HttpResponse {
    let status = front.board.status().await;
    let mut response = match status.status {
        Condition::Up => HttpResponse::Ok(),
        Condition::Down => HttpResponse::ServiceUnavailable(),
    };
    let mut response = response.json(&*status);
    // It says what it has to say; no problem takes its place.
    response.extensions_mut().insert(Proxied);
    response
}
