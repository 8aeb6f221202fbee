//! The receivers: a fast one, one that never answers, one whose answer is 200 MB.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes, Data},
};
use anyhow::Context;
use futures_util::stream;

/// When each message first came, since 1970, by its id.
pub(super) type Arrivals = HashMap<String, Duration>;

/// When each came first, and how many came.
#[derive(Default)]
struct Came {
    first: Mutex<Arrivals>,
    count: AtomicUsize,
}

type Shared = Arc<Came>;

/// Of an answer of 200 MB.
const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 200 * 1024 * 1024 / CHUNK;

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(600);

/// They end with the process.
pub(super) struct Sink {
    pub(super) url: String,
    arrivals: Shared,
    _server: ServerHandle,
}

impl Sink {
    pub(super) fn start() -> anyhow::Result<Self> {
        let arrivals = Shared::default();
        let shared = Data::new(Arc::clone(&arrivals));
        let app = move || {
            App::new()
                .app_data(shared.clone())
                .route("/fast", web::post().to(fast))
                .route("/hang", web::post().to(hang))
                .route("/huge", web::post().to(huge))
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0))?;
        let url = format!("http://{}", server.addrs().first().context("no address")?);
        let server = server.run();
        let handle = server.handle();
        tokio::task::spawn_local(server);
        Ok(Self { url, arrivals, _server: handle })
    }

    /// How many came.
    pub(super) fn count(&self) -> usize {
        self.arrivals.count.load(Ordering::Relaxed)
    }

    /// When these came; none, until all have.
    pub(super) fn of(&self, ids: &[String]) -> Option<Arrivals> {
        let arrivals = self.arrivals.first.lock().unwrap_or_else(PoisonError::into_inner);
        ids.iter().map(|id| Some((id.clone(), *arrivals.get(id)?))).collect()
    }
}

fn note(request: &HttpRequest, arrivals: &Shared) {
    let id = request.headers().get("webhook-id").and_then(|id| id.to_str().ok());
    let Some(id) = id else { return };
    arrivals.count.fetch_add(1, Ordering::Relaxed);
    let mut arrivals = arrivals.first.lock().unwrap_or_else(PoisonError::into_inner);
    arrivals.entry(id.to_owned()).or_insert_with(|| SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default());
}

async fn fast(request: HttpRequest, _body: Bytes, arrivals: Data<Shared>) -> HttpResponse {
    note(&request, &arrivals);
    HttpResponse::NoContent().finish()
}

async fn hang(_body: Bytes) -> HttpResponse {
    tokio::time::sleep(FOR_EVER).await;
    HttpResponse::NoContent().finish()
}

async fn huge(request: HttpRequest, _body: Bytes, arrivals: Data<Shared>) -> HttpResponse {
    note(&request, &arrivals);
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    let chunks = std::iter::repeat_with(move || Ok::<_, actix_web::Error>(chunk.clone())).take(CHUNKS);
    HttpResponse::Ok().streaming(stream::iter(chunks))
}
