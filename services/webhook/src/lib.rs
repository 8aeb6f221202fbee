//! webhook: URLs of customers that events are posted to, signed so that they know it is us.
//!
//! [`routes`] is the table of contents. `endpoint` is where messages go, `secret` what they are
//! signed with and `signing` how. A `message` goes to endpoints by a `delivery` to each, `sending`
//! is one attempt of it, `poll` how it is asked for instead; `trial` is a message that is sent to see whether it arrives. `retention` is how
//! long they are kept, `erasure` what goes with an organisation, `personal` what is about a person.
//!
//! The other way round, a `source` is a provider that posts to us, and `inbound` what it posted. The `portal` is
//! a page where all of it is looked after.

mod app;
mod background;
mod delivery;
mod endpoint;
mod erasure;
mod event_type;
mod inbound;
mod message;
mod permissions;
mod personal;
mod poll;
mod portal;
mod retention;
mod secret;
mod sending;
mod settings;
mod signing;
mod source;
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
        .service(delivery::http::list_webhook_deliveries)
        .service(poll::http::poll_webhook_endpoint)
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
        .service(message::http::list_webhook_attempts)
        .service(source::http::list_webhook_sources)
        .service(source::http::create_webhook_source)
        .service(source::http::get_webhook_source)
        .service(source::http::update_webhook_source)
        .service(source::http::delete_webhook_source)
        .service(source::http::get_webhook_source_secret)
        .service(inbound::http::list_webhook_received)
        .service(inbound::http::receive_hook)
        .service(portal::http::create_webhook_portal_link)
        .service(portal::http::get_webhook_portal);
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
const TAGS: [(&str, &str); 5] = [
    ("Webhook endpoints", "URLs that events are posted to, and their secrets"),
    ("Webhook event types", "The catalogue: what messages say, and the JSON Schemas that they fit"),
    ("Webhook messages", "What is posted to them, and what came of it"),
    ("Webhook sources", "Providers that post events to us, and what they posted"),
    ("Webhook portal", "A page where endpoints are looked after"),
];

/// The schema of webhook's database.
///
/// # Errors
/// When a folder of `migrations/` is no migration.
pub fn migrations() -> Result<Catalogue, CatalogueError> {
    let mechanisms = [&jobs::MIGRATIONS, &events::MIGRATIONS, &audit::MIGRATIONS, &idempotency::MIGRATIONS];
    Catalogue::embedded(&[&[&MIGRATIONS], &mechanisms[..]].concat())
}
