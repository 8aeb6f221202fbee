use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::StatusCode,
    web::{self, Bytes, Data},
};

use crate::spawn::{World, spawn_with};

/// A path that prefs owns.
pub(crate) const PATH: &str = "/api/v1/prefs/thing";

/// An instance of a service that can be made to fail in several ways, and be killed and
/// started again at the same place.
pub(crate) struct Instance {
    pub(crate) url: String,
    pub(crate) state: Arc<State>,
    address: SocketAddr,
    handle: ServerHandle,
}

#[derive(Default)]
pub(crate) struct State {
    /// The status of each answer; 0 is 200.
    status: AtomicU16,
    /// Whether a failure is put into words, as our services do it.
    as_problem: AtomicBool,
    /// Whether it asks for a pause.
    retry_after: AtomicBool,
    delay_ms: AtomicU64,
    unready: AtomicBool,
    checks: AtomicUsize,
    seen: Mutex<Vec<String>>,
}

impl Instance {
    pub(crate) fn start() -> Self {
        let state = Arc::<State>::default();
        let (address, handle) = serve(&state, ([127, 0, 0, 1], 0).into()).unwrap();
        Self { url: format!("http://{address}"), state, address, handle }
    }

    /// All that it does is cut off.
    pub(crate) async fn kill(&self) {
        self.handle.stop(false).await;
    }

    /// A connection of another test may have the port for a moment.
    pub(crate) async fn start_again(&mut self) {
        for _ in 0..100 {
            if let Ok((_, handle)) = serve(&self.state, self.address) {
                self.handle = handle;
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} is taken", self.address);
    }

    pub(crate) fn answer_with(&self, status: u16) {
        self.state.status.store(status, SeqCst);
    }

    pub(crate) fn answer_with_problem(&self, status: u16) {
        self.state.as_problem.store(true, SeqCst);
        self.answer_with(status);
    }

    pub(crate) fn ask_for_a_pause(&self) {
        self.state.retry_after.store(true, SeqCst);
    }

    pub(crate) fn take(&self, time: Duration) {
        self.state.delay_ms.store(time.as_millis() as u64, SeqCst);
    }

    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.state.unready.store(!is_ready, SeqCst);
    }

    /// How often it was asked whether it is ready.
    pub(crate) fn checks(&self) -> usize {
        self.state.checks.load(SeqCst)
    }

    /// The method and target of each request that arrived, health checks aside.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen().len()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// A gateway in front of these instances of prefs.
pub(crate) async fn spawn_before(instances: &[&Instance]) -> World {
    spawn_with(&[("PREFS_SERVICE_URL", &urls(instances))]).await
}

/// The setting that lists these instances.
pub(crate) fn urls(instances: &[&Instance]) -> String {
    instances.iter().map(|instance| instance.url.as_str()).collect::<Vec<_>>().join(", ")
}

fn serve(state: &Arc<State>, address: SocketAddr) -> std::io::Result<(SocketAddr, ServerHandle)> {
    let data = Data::from(Arc::clone(state));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .route("/readyz", web::get().to(readiness))
            .default_service(web::to(answer))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(0)
    .bind(address)?;
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok((address, handle))
}

async fn readiness(state: Data<State>) -> HttpResponse {
    state.checks.fetch_add(1, SeqCst);
    let is_ready = !state.unready.load(SeqCst);
    if is_ready { HttpResponse::Ok().finish() } else { HttpResponse::ServiceUnavailable().finish() }
}

async fn answer(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    state.seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
    tokio::time::sleep(Duration::from_millis(state.delay_ms.load(SeqCst))).await;
    let status = StatusCode::from_u16(state.status.load(SeqCst)).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    if state.retry_after.load(SeqCst) {
        response.insert_header(("retry-after", "1"));
    }
    if state.as_problem.load(SeqCst) {
        response.content_type("application/problem+json");
    }
    response.body(format!("{} bytes", body.len()))
}
