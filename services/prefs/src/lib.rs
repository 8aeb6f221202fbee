//! prefs: namespaces with a JSON Schema and defaults, and a layer of overrides for
//! every user.
//!
//! [`routes`] is the table of contents. `document` is what users read and write,
//! `namespace` what administrators register, `precondition` what keeps two writers
//! from losing each other's work, `erasure` what goes with a user or an organisation.

mod app;
mod background;
mod document;
mod erasure;
mod namespace;
mod permissions;
mod precondition;
mod settings;

use events::{Inbox, Subscriptions};
use include_dir::{Dir, include_dir};
use service_discovery::Service;
use service_kit::{
    http,
    migrations::{Catalogue, CatalogueError},
};
use utoipa::openapi::OpenApi as Document;
use utoipa_actix_web::service_config::ServiceConfig;

pub use app::{App, BuildError};
pub use settings::Settings;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// Every route.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(document::http::get_preferences)
        .service(document::http::get_preference_document)
        .service(document::http::replace_preference_document)
        .service(document::http::patch_preference_document)
        .service(document::http::reset_preference_document)
        .service(namespace::http::list_preference_namespaces)
        .service(namespace::http::get_preference_namespace)
        .service(namespace::http::put_preference_namespace);
    jobs_http::routes(config, Service::Prefs);
}

/// What only our own services call, on the internal listener.
fn internal_routes(config: &mut ServiceConfig<'_>, inbox: &Inbox) {
    inbox.routes(config);
    audit::internal_routes(config, Service::Prefs);
}

/// The events of others that concern prefs.
fn subscriptions() -> Subscriptions {
    Subscriptions::new().on(Service::Auth, erasure::of_user).on(Service::Auth, erasure::of_organization)
}

/// The OpenAPI document of [`routes`].
#[must_use]
pub fn openapi() -> Document {
    http::document(about(), routes)
}

fn about() -> Document {
    http::about("Plinth prefs", "Preferences, merged and validated.")
}

/// The schema of prefs' database.
///
/// # Errors
/// When a folder of `migrations/` is no migration.
pub fn migrations() -> Result<Catalogue, CatalogueError> {
    let mechanisms = [&jobs::MIGRATIONS, &events::MIGRATIONS, &audit::MIGRATIONS, &idempotency::MIGRATIONS];
    Catalogue::embedded(&[&[&MIGRATIONS], &mechanisms[..]].concat())
}
