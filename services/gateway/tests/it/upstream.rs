use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes, Data, Payload},
};
use futures_util::{StreamExt, stream};
use observability::Metrics;
use serde_json::{Value, json};
use service_discovery::Service;
use service_kit::{
    http::{Application, Readiness, Server, about},
    settings::Http,
};
use tokio::sync::oneshot;
use utoipa_actix_web::scope;

/// A service that writes down every request that reaches it, and answers as the
/// path's last segment says.
pub(crate) struct Upstream {
    pub(crate) url: String,
    seen: Log,
    /// How many long answers are under way.
    pub(crate) open: Arc<AtomicUsize>,
    end: End,
}

/// What ends it.
enum End {
    Handle(ServerHandle),
    /// When it is dropped.
    Stop {
        _sender: oneshot::Sender<()>,
    },
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// `HTTP/2.0`.
    pub(crate) version: String,
    /// Whence: another connection has another port.
    pub(crate) peer: String,
}

type Log = Arc<Mutex<Vec<Seen>>>;

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The claims of the bearer token.
    pub(crate) fn claims(&self) -> Value {
        let token = self.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
        let claims = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap()
    }
}

impl Upstream {
    pub(crate) fn start(name: &'static str) -> Self {
        let (seen, open) = (Log::default(), Arc::<AtomicUsize>::default());
        let (log, opened) = (Data::from(Arc::clone(&seen)), Data::from(Arc::clone(&open)));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(log.clone())
                .app_data(opened.clone())
                .app_data(Data::new(name))
                .default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let end = End::Handle(server.handle());
        actix_web::rt::spawn(server);
        Self { url, seen, open, end }
    }

    /// The same, served as our services are, by these listeners.
    pub(crate) fn served(name: &'static str, http: &Http) -> Self {
        let (seen, open) = (Log::default(), Arc::<AtomicUsize>::default());
        let (log, opened) = (Data::from(Arc::clone(&seen)), Data::from(Arc::clone(&open)));
        let server = Server::bind(http).unwrap();
        let port = server.addresses().unwrap().0.port();
        let url = format!("{}://localhost:{port}", if http.tls.is_some() { "https" } else { "http" });
        let application = Application {
            service: Service::Prefs,
            public: Arc::new(move |config| {
                config
                    .app_data(log.clone())
                    .app_data(opened.clone())
                    .app_data(Data::new(name))
                    .service(scope("").default_service(web::to(answer)));
            }),
            internal: Arc::new(|_| {}),
            about: about("Prefs", "Stands in for it."),
            readiness: Readiness::new(),
            metrics: Metrics::new("prefs").unwrap(),
        };
        let (sender, stopped) = oneshot::channel::<()>();
        actix_web::rt::spawn(async move {
            // That the sender is gone is what is awaited.
            let ended = server.run(application, async { drop(stopped.await) }).await;
            ended.unwrap();
        });
        Self { url, seen, open, end: End::Stop { _sender: sender } }
    }

    /// What has arrived, health checks aside.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().unwrap()
    }

    pub(crate) async fn stop(&self) {
        if let End::Handle(handle) = &self.end {
            handle.stop(false).await;
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let End::Handle(handle) = &self.end {
            drop(handle.stop(false));
        }
    }
}

/// Something long that a client may have already.
fn text(request: &HttpRequest) -> HttpResponse {
    let known = request.headers().get("if-none-match").is_some_and(|tag| tag == "\"v1\"");
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header(("etag", "\"v1\""));
    if known { answer.finish() } else { answer.json(json!({ "words": "again and again ".repeat(500) })) }
}

async fn answer(
    request: HttpRequest,
    payload: Payload,
    log: Data<Mutex<Vec<Seen>>>,
    open: Data<AtomicUsize>,
    name: Data<&'static str>,
) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    log.lock().unwrap().push(Seen {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        headers: headers.collect(),
        version: format!("{:?}", request.version()),
        peer: request.peer_addr().unwrap().to_string(),
    });
    match request.path().rsplit('/').next().unwrap() {
        "echo" => HttpResponse::Ok().content_type("application/octet-stream").streaming(payload),
        "count" => count(payload).await,
        "big" => big(&request, Open::new(open)),
        "events" => events(),
        "endless" => endless(Open::new(open)),
        "slow" => {
            tokio::time::sleep(Duration::from_millis(700)).await;
            HttpResponse::Ok().json(json!({ "slow": true }))
        }
        "socket" => socket(&request, payload),
        "name" => HttpResponse::Ok().body(**name),
        "text" => text(&request),
        "odd-headers" => odd_headers(),
        "missing" => missing(&request),
        "openapi.json" => HttpResponse::Ok().json(document(request.path())),
        _ => HttpResponse::Ok().insert_header(("etag", "\"7\"")).json(json!({ "path": request.path() })),
    }
}

async fn count(mut payload: Payload) -> HttpResponse {
    let mut bytes = 0;
    while let Some(chunk) = payload.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len(),
            Err(_) => return HttpResponse::BadRequest().finish(),
        }
    }
    HttpResponse::Ok().json(json!({ "bytes": bytes }))
}

/// An answer that is under way.
struct Open(Data<AtomicUsize>);

impl Open {
    fn new(all: Data<AtomicUsize>) -> Self {
        all.fetch_add(1, SeqCst);
        Self(all)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// As many megabytes as the query says.
fn big(request: &HttpRequest, open: Open) -> HttpResponse {
    let megabytes: u64 = request.query_string().parse().unwrap();
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let chunks = stream::iter(0..megabytes * 16).map(move |_| {
        let _under_way = &open;
        Ok::<_, actix_web::Error>(chunk.clone())
    });
    HttpResponse::Ok().no_chunking(megabytes << 20).streaming(chunks)
}

/// Three events, 200 ms apart.
fn events() -> HttpResponse {
    let events = stream::iter(1..=3).then(|number| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<_, actix_web::Error>(Bytes::from(format!("id: {number}\ndata: x\n\n")))
    });
    HttpResponse::Ok().content_type("text/event-stream").streaming(Box::pin(events))
}

/// An event every 50 ms, for ever.
fn endless(open: Open) -> HttpResponse {
    let events = stream::unfold(open, async |open| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Some((Ok::<_, actix_web::Error>(Bytes::from_static(b"data: x\n\n")), open))
    });
    HttpResponse::Ok().content_type("text/event-stream; charset=utf-8").streaming(Box::pin(events))
}

fn socket(request: &HttpRequest, payload: Payload) -> HttpResponse {
    let (response, mut session, mut messages) = actix_ws::handle(request, payload).unwrap();
    actix_web::rt::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            match message {
                actix_ws::Message::Text(text) => session.text(text).await.unwrap(),
                actix_ws::Message::Close(reason) => {
                    let _ = session.close(reason).await;
                    return;
                }
                _ => {}
            }
        }
    });
    response
}

fn odd_headers() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("server", "secret/1.0"))
        .insert_header(("x-powered-by", "secret"))
        .insert_header(("x-request-id", "another"))
        .insert_header(("access-control-allow-origin", "*"))
        .insert_header(("location", "/elsewhere"))
        .append_header(("set-cookie", "a=1"))
        .append_header(("set-cookie", "b=2"))
        .body("odd")
}

/// A problem as services write them.
fn missing(request: &HttpRequest) -> HttpResponse {
    let id = request.headers().get("x-request-id").unwrap().to_str().unwrap();
    HttpResponse::NotFound()
        .content_type("application/problem+json")
        .json(json!({ "status": 404, "code": "thing_not_found", "detail": "mine", "request_id": id }))
}

/// Two services whose `Page` is not the same.
fn document(path: &str) -> Value {
    let service = path.split('/').nth(3).unwrap();
    json!({
        "openapi": "3.1.0",
        "paths": { format!("/api/v1/{service}/things"): { "get": {
            "operationId": format!("list_{service}_things"),
            "responses": { "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Page" } } } } },
        } } },
        "components": { "schemas": { "Page": { "title": service }, "Problem": { "type": "object" } } },
    })
}
