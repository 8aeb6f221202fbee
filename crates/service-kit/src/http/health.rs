use std::{
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_web::{HttpResponse, http::header::RETRY_AFTER, web};
use futures_util::future::BoxFuture;
use observability::Metrics;
use problem::{FieldError, HttpError, Kind, Problem};
use tokio::sync::watch;

use crate::{db::Db, migrations};

/// One thing that must be in order for this process to serve.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether this process can serve. It never asks another service.
#[derive(Clone, Default)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
    closing: Arc<watch::Sender<bool>>,
    checks: Vec<(&'static str, Check)>,
}

impl Readiness {
    /// Ready as long as nothing is checked and it is not draining.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check; its name stands in the answer when it fails.
    #[must_use]
    pub fn with(mut self, name: &'static str, check: Check) -> Self {
        self.checks.push((name, check));
        self
    }

    /// From now on it says that it is not ready, so that no new work comes.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether it is on its way out.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// No new connection is taken from now on: what has no end of its own must end.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Ends when no new connection is taken any more. A stream that goes on then would be cut.
    pub fn closing(&self) -> impl Future<Output = ()> + use<> {
        let mut closing = self.closing.subscribe();
        async move {
            // Tolerated: it is gone with the process.
            let _ = closing.wait_for(|closing| *closing).await;
        }
    }

    async fn faults(&self) -> Vec<FieldError> {
        if self.is_draining() {
            return vec![FieldError::new("", "draining", "it is on its way out")];
        }
        let mut faults = Vec::new();
        for (name, check) in &self.checks {
            let answer = tokio::time::timeout(PATIENCE, check()).await;
            if let Err(why) = answer.unwrap_or_else(|_elapsed| Err("no answer in time".to_owned())) {
                faults.push(FieldError::new(format!("/{name}"), "not_ready", why));
            }
        }
        faults
    }
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness").field("draining", &self.is_draining()).finish_non_exhaustive()
    }
}

/// The database answers, and its schema is not behind this binary.
#[must_use]
pub fn database_check(db: Db, catalogue: migrations::Catalogue) -> Check {
    let catalogue = Arc::new(catalogue);
    Arc::new(move || {
        let (db, catalogue) = (db.clone(), Arc::clone(&catalogue));
        Box::pin(async move {
            let mut connection = db.connection().await.map_err(|why| why.to_string())?;
            match migrations::is_current(&mut connection, &catalogue).await {
                Ok(true) => Ok(()),
                Ok(false) => Err("the schema is behind: run the migrations".to_owned()),
                Err(why) => Err(why.to_string()),
            }
        })
    })
}

/// Something that this process knows of itself; `otherwise` is what it says while it
/// does not hold.
#[must_use]
pub fn state_check(holds: impl Fn() -> bool + Send + Sync + 'static, otherwise: &'static str) -> Check {
    Arc::new(move || {
        let outcome = if holds() { Ok(()) } else { Err(otherwise.to_owned()) };
        Box::pin(ready(outcome))
    })
}

/// `/healthz` and `/readyz`, on both listeners.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/healthz", web::get().to(alive)).route("/readyz", web::get().to(readiness));
}

fn alive() -> Ready<HttpResponse> {
    ready(HttpResponse::Ok().json(serde_json::json!({ "status": "alive" })))
}

async fn readiness(readiness: web::Data<Readiness>) -> Result<HttpResponse, HttpError> {
    let faults = readiness.faults().await;
    if faults.is_empty() {
        return Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })));
    }
    let problem = Problem::new(Kind::Unavailable, "not_ready", "this process cannot serve now");
    Err(HttpError::from(Problem { errors: faults, ..problem }).with_header(RETRY_AFTER, "1"))
}

/// `/metrics`, on the internal listener.
pub(super) fn metrics(metrics: web::Data<Metrics>) -> Ready<HttpResponse> {
    ready(match metrics.render() {
        Ok(text) => HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text),
        Err(why) => HttpResponse::InternalServerError().body(why.to_string()),
    })
}
