//! Jobs over HTTP, the same in every service: for the members of the organisation that
//! a job belongs to, with its progress as server-sent events, and for administrators.
//!
//! [`routes`] is the table of contents. Paths and operation ids hold the service's name;
//! each is written once, with the name left open.

mod act;
mod administrators;
mod error;
mod named;
mod owners;
mod permissions;
mod watch;

use actix_web::web::Data;
use service_discovery::Service;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

use named::Named;
use watch::Hub;

/// What the operations are grouped by in the service's document.
pub const TAGS: [(&str, &str); 2] = [
    ("Jobs", "What was asked for and is still being done, with its progress"),
    ("Jobs of the platform", "All of a service's jobs, for administrators"),
];

/// The jobs of `service`: `/api/v1/{area}/jobs` and `/api/v1/admin/{area}/jobs`.
///
/// Takes `Data<Db>` (whose database has [`jobs::MIGRATIONS`], `audit`'s and
/// `idempotency`'s), `Data<Verifier>` and `Data<Keyring>` of the application.
pub fn routes(config: &mut ServiceConfig<'_>, service: Service) {
    let area = service.area();
    let own = format!("/api/v1/{area}/jobs");
    let own =
        scope(own.as_str()).service(owners::get_job).service(watch::watch_job).service(owners::cancel_job);
    let all = format!("/api/v1/admin/{area}/jobs");
    let all = scope(all.as_str())
        .service(administrators::list_jobs)
        .service(administrators::count_jobs)
        .service(administrators::get_any_job)
        .service(administrators::retry_any_job)
        .service(administrators::cancel_any_job);
    config
        .app_data(Data::new(Hub::default()))
        .service(Named::new(own, service))
        .service(Named::new(all, service));
}
