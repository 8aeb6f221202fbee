use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use service_discovery::{CallError, Peer, PeerOptions, Registry, Service};
use tokio::sync::Mutex;

use super::rules::merge;
use crate::{front::Current, proxy::encoded};

/// How long the merged document is good for.
const FRESH: Duration = Duration::from_secs(30);

/// How long it is good for when a service did not give its part.
const INCOMPLETE: Duration = Duration::from_secs(2);

/// The documents of the services as one.
#[derive(Debug)]
pub(crate) struct Library {
    shelf: Arc<Shelf>,
    peers: Vec<(Service, Peer)>,
    merged: Mutex<Option<(Instant, web::Bytes)>>,
}

/// What one library leaves to the next.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// The document of the gateway's own routes.
    own: Value,
    /// How a service is asked.
    asked: Peer,
    /// The last good one of each service.
    last: std::sync::Mutex<HashMap<Service, Value>>,
}

impl Shelf {
    /// `own` is the document of the gateway's own routes.
    pub(crate) fn new(mut own: Value, registry: &Registry) -> Result<Self, CallError> {
        let options = PeerOptions { timeout: Duration::from_secs(2), ..registry.peer_options() };
        own["servers"] = json!([{ "url": "/" }]);
        let asked = Peer::new(registry.public(Service::Gateway), &options)?;
        Ok(Self { own, asked, last: std::sync::Mutex::default() })
    }
}

impl Library {
    pub(crate) fn new(
        shelf: &Arc<Shelf>,
        registry: &Registry,
        services: &[Service],
    ) -> Result<Self, CallError> {
        let peer = |service: &Service| Ok((*service, shelf.asked.at(registry.public(*service))?));
        let peers = services.iter().map(peer).collect::<Result<_, CallError>>()?;
        Ok(Self { shelf: Arc::clone(shelf), peers, merged: Mutex::default() })
    }

    async fn merged(&self) -> web::Bytes {
        let mut last = self.merged.lock().await;
        if let Some((until, merged)) = &*last
            && Instant::now() < *until
        {
            return merged.clone();
        }
        let fetched = join_all(self.peers.iter().map(fetch)).await;
        let complete = fetched.iter().all(Option::is_some);
        let merged = web::Bytes::from(self.whole(fetched).to_string());
        let lifetime = if complete { FRESH } else { INCOMPLETE };
        *last = Some((Instant::now() + lifetime, merged.clone()));
        merged
    }

    /// A service that gave no document just now has its last one.
    fn whole(&self, fetched: Vec<Option<Value>>) -> Value {
        let mut documents = self.shelf.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut whole = self.shelf.own.clone();
        for ((service, _), fetched) in self.peers.iter().zip(fetched) {
            if let Some(document) = fetched {
                documents.insert(*service, document);
            }
            if let Some(document) = documents.get(service) {
                merge(&mut whole, service.name(), document.clone());
            }
        }
        whole
    }
}

/// `None` when it is down.
async fn fetch((service, peer): &(Service, Peer)) -> Option<Value> {
    let path = format!("/api/v1/{service}/openapi.json");
    let document = peer.json::<Value>(peer.request(Method::GET, &path)).await;
    document.inspect_err(|why| tracing::warn!(%service, %why, "no OpenAPI document")).ok()
}

/// The OpenAPI document of all services.
#[utoipa::path(tag = "Gateway", responses(
    (status = 200, description = "OpenAPI 3.1.", body = serde_json::Value),
))]
#[get("/openapi.json")]
pub(crate) async fn get_openapi(request: HttpRequest, front: Current) -> HttpResponse {
    let document = front.library.merged().await;
    encoded(&request, HttpResponse::Ok().content_type("application/json").body(document))
}
