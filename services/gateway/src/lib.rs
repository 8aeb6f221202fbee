//! The one door: verifies the credential, routes, streams. It never decides business.
//!
//! A request's path is read once (`path`), its credential becomes an inward token
//! (`credential`, `inward`), and it goes to the service as a stream (`proxy`). Beside
//! that the gateway has a few routes of its own (`status`, `document`, `docs`).

mod access_log;
mod app;
mod credential;
mod docs;
mod document;
mod front;
mod inward;
mod limit;
mod origin;
mod path;
mod proxy;
mod reload;
mod settings;
mod status;

pub use access_log::AccessLogTarget;
pub use app::{App, BuildError};
pub use limit::Rates;
pub use reload::{Outcome, Reloader, Source};
pub use settings::{Health, Limits, Settings};

use actix_web::{middleware::from_fn, web};
use service_kit::http;
use utoipa::openapi::OpenApi as Document;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

/// The gateway's own routes; whatever else comes goes through the proxy.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // Apart, so that no other path is held against a pattern for names of files.
    let docs = scope("/docs")
        .service(docs::get_docs)
        .service(docs::get_problem_docs)
        .service(docs::get_docs_file)
        .default_service(web::to(proxy::proxy));
    let all = scope("")
        .service(docs::get_root)
        .service(status::get_status)
        .service(document::get_openapi)
        .service(docs)
        .default_service(web::to(proxy::proxy))
        .wrap(from_fn(origin::cors::cors))
        .wrap(from_fn(access_log::log));
    config.service(all);
}

/// The OpenAPI document of [`routes`]; the merged one of all services begins with it.
#[must_use]
pub fn openapi() -> Document {
    http::document(about(), routes)
}

fn about() -> Document {
    let tags = [("Gateway", "How all of it is, and what there is")];
    http::tagged(http::about("Plinth", "All services through one door."), &tags)
}
