//! webhook: URLs of customers that events are posted to, signed so that they know it is us.
//!
//! [`routes`] is the table of contents. `endpoint` is where messages go, `secret` what they are
//! signed with and `signing` how. A `message` goes to endpoints by a `delivery` to each, `sending`
//! is one attempt of it; `trial` is a message that is sent to see whether it arrives. `retention` is how
//! long they are kept, `erasure` what goes with an organisation, `personal` what is about a person.

mod app;
mod background;
mod delivery;
mod endpoint;
mod erasure;
mod event_type;
mod message;
mod permissions;
mod personal;
mod retention;
mod secret;
mod sending;
mod settings;
mod signing;
mod trial;

use actix_web::web;
use contract_auth::personal_data_path;
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
pub use settings::{Delivering, EgressSettings, Settings};

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// Every route.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(endpoint::http::list_webhook_endpoints)
        .service(endpoint::http::create_webhook_endpoint)
        .service(endpoint::http::get_webhook_endpoint)
        .service(endpoint::http::update_webhook_endpoint)
        .service(endpoint::http::delete_webhook_endpoint)
        .service(endpoint::http::enable_webhook_endpoint)
        .service(endpoint::http::disable_webhook_endpoint)
        .service(endpoint::http::recover_webhook_endpoint)
        .service(endpoint::http::replay_webhook_endpoint)
        .service(endpoint::http::get_webhook_endpoint_stats)
        .service(secret::http::get_webhook_secret)
        .service(secret::http::rotate_webhook_secret)
        .service(trial::http::test_webhook_endpoint)
        .service(event_type::http::list_webhook_event_types)
        .service(event_type::http::create_webhook_event_type)
        .service(event_type::http::get_webhook_event_type)
        .service(event_type::http::replace_webhook_event_type)
        .service(event_type::http::delete_webhook_event_type)
        .service(message::http::list_webhook_messages)
        .service(message::http::send_webhook_message)
        .service(message::http::resend_webhook_message)
        .service(message::http::get_webhook_message)
        .service(message::http::list_webhook_attempts);
    jobs_http::routes(config, Service::Webhook);
}

/// What only our own services call, on the internal listener.
fn internal_routes(config: &mut ServiceConfig<'_>, inbox: &Inbox) {
    inbox.routes(config);
    audit::internal_routes(config, Service::Webhook);
    config.route(&personal_data_path(Service::Webhook), web::get().to(personal::http::personal_data));
}

/// The events of others: those that customers may have, and what ends an organisation.
fn subscriptions() -> Subscriptions {
    message::subscriptions().on(Service::Auth, erasure::of_organization)
}

/// The OpenAPI document of [`routes`].
#[must_use]
pub fn openapi() -> Document {
    http::document(about(), routes)
}

fn about() -> Document {
    let tags = [&TAGS[..], &jobs_http::TAGS].concat();
    http::tagged(http::about("Plinth webhook", "Signed webhooks."), &tags)
}

/// What the operations are grouped by.
const TAGS: [(&str, &str); 3] = [
    ("Webhook endpoints", "URLs that events are posted to, and their secrets"),
    ("Webhook event types", "The catalogue: what messages say, and the JSON Schemas that they fit"),
    ("Webhook messages", "What is posted to them, and what came of it"),
];

/// The schema of webhook's database.
///
/// # Errors
/// When a folder of `migrations/` is no migration.
pub fn migrations() -> Result<Catalogue, CatalogueError> {
    let mechanisms = [&jobs::MIGRATIONS, &events::MIGRATIONS, &audit::MIGRATIONS, &idempotency::MIGRATIONS];
    Catalogue::embedded(&[&[&MIGRATIONS], &mechanisms[..]].concat())
}
