use std::time::{Duration, Instant};

use actix_web::{HttpResponse, get, web};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use service_discovery::{CallError, Peer, PeerOptions, Registry, Service};
use tokio::sync::Mutex;

use super::rules::merge;

/// How long the merged document is good for.
const FRESH: Duration = Duration::from_secs(30);

/// How long it is good for when a service did not give its part.
const INCOMPLETE: Duration = Duration::from_secs(2);

/// The documents of the services, the last good one of each.
#[derive(Debug)]
pub(crate) struct Library {
    own: Value,
    peers: Vec<(Service, Peer)>,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    documents: Vec<Option<Value>>,
    merged: Option<(Instant, web::Bytes)>,
}

impl Library {
    /// `own` is the document of the gateway's own routes.
    pub(crate) fn new(mut own: Value, registry: &Registry, services: &[Service]) -> Result<Self, CallError> {
        let options = PeerOptions { timeout: Duration::from_secs(2), ..PeerOptions::default() };
        let peer = |service: &Service| Ok((*service, Peer::new(registry.public(*service), &options)?));
        let peers = services.iter().map(peer).collect::<Result<_, CallError>>()?;
        own["servers"] = json!([{ "url": "/" }]);
        Ok(Self { own, peers, shelf: Mutex::default() })
    }

    async fn merged(&self) -> web::Bytes {
        let mut shelf = self.shelf.lock().await;
        if let Some((until, merged)) = &shelf.merged
            && Instant::now() < *until
        {
            return merged.clone();
        }
        let fetched = join_all(self.peers.iter().map(fetch)).await;
        let complete = fetched.iter().all(Option::is_some);
        shelf.documents.resize(self.peers.len(), None);
        let mut whole = self.own.clone();
        for (((service, _), fetched), last) in self.peers.iter().zip(fetched).zip(&mut shelf.documents) {
            *last = fetched.or_else(|| last.take());
            if let Some(document) = last {
                merge(&mut whole, service.name(), document.clone());
            }
        }
        let merged = web::Bytes::from(whole.to_string());
        let lifetime = if complete { FRESH } else { INCOMPLETE };
        shelf.merged = Some((Instant::now() + lifetime, merged.clone()));
        merged
    }
}

/// A service that is down is left out, or keeps its last document.
async fn fetch((service, peer): &(Service, Peer)) -> Option<Value> {
    let path = format!("/api/v1/{service}/openapi.json");
    let document = peer.json::<Value>(peer.request(Method::GET, &path)).await;
    document.inspect_err(|why| tracing::warn!(%service, %why, "no OpenAPI document")).ok()
}

/// The OpenAPI document of all services.
#[utoipa::path(tag = "gateway", responses(
    (status = 200, description = "OpenAPI 3.1.", body = serde_json::Value),
))]
#[get("/openapi.json")]
pub(crate) async fn get_openapi(library: web::Data<Library>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(library.merged().await)
}
