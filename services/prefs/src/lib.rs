//! prefs: namespaces with a JSON Schema and defaults, over them a layer of overrides for
//! every organisation, and over that one for every user.
//!
//! [`routes`] is the table of contents. `document` is what users read and write,
//! `organization` what an organisation chooses for them and locks, `history` what all that
//! was before, `namespace` what administrators register, `migration` what leads documents
//! from one schema to the next, `changes` what is pushed to whoever watches, `personal` all
//! of a user's own and its end, `precondition` what keeps two writers from losing each
//! other's work, `erasure` what goes with a user or an organisation.
//!
//! Beside them, feature flags: a `flag` and what it names (`segment`, `environment`), an
//! `experiment` on it and who saw what (`exposure`), all of an organisation in one
//! `flag_set`; `targeting` decides who gets which value, `evaluation` answers providers.

mod app;
mod background;
mod changes;
mod document;
mod environment;
mod erasure;
mod evaluation;
mod experiment;
mod exposure;
mod flag;
mod flag_set;
mod history;
mod migration;
mod namespace;
mod organization;
mod permissions;
mod personal;
mod precondition;
mod segment;
mod settings;
mod targeting;

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
pub use settings::Settings;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// Every route.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(document::http::get_preferences)
        .service(personal::http::erase_preferences)
        .service(personal::http::export_preferences)
        .service(changes::http::watch_preferences)
        .service(document::http::get_preference_document)
        .service(document::http::replace_preference_document)
        .service(document::http::patch_preference_document)
        .service(document::http::reset_preference_document)
        .service(history::http::list_preference_versions)
        .service(history::http::restore_preference_document)
        .service(organization::http::get_organization_preferences)
        .service(organization::http::replace_organization_preferences)
        .service(organization::http::patch_organization_preferences)
        .service(organization::http::reset_organization_preferences)
        .service(organization::http::replace_organization_preference_locks)
        .service(history::http::list_organization_preference_versions)
        .service(history::http::restore_organization_preferences)
        .service(namespace::http::list_preference_namespaces)
        .service(namespace::http::get_preference_namespace)
        .service(namespace::http::put_preference_namespace)
        .service(namespace::http::list_preference_namespace_versions)
        .configure(flag_routes);
    jobs_http::routes(config, Service::Prefs);
}

/// Every route of feature flags.
fn flag_routes(config: &mut ServiceConfig<'_>) {
    config
        .service(evaluation::http::evaluate_flag)
        .service(evaluation::http::evaluate_flags)
        .service(flag::http::list_flags)
        .service(flag::http::create_flag)
        .service(flag::http::get_flag)
        .service(flag::http::replace_flag)
        .service(flag::http::archive_flag)
        .service(flag::http::get_flag_history)
        .service(flag::http::restore_flag)
        .service(exposure::http::tell_exposure)
        .service(segment::http::list_flag_segments)
        .service(segment::http::get_flag_segment)
        .service(segment::http::put_flag_segment)
        .service(segment::http::delete_flag_segment)
        .service(environment::http::list_flag_environments)
        .service(environment::http::create_flag_environment)
        .service(environment::http::delete_flag_environment)
        .service(experiment::http::list_experiments)
        .service(experiment::http::create_experiment)
        .service(experiment::http::get_experiment)
        .service(experiment::http::start_experiment)
        .service(experiment::http::stop_experiment)
        .service(experiment::http::tell_conversion)
        .service(experiment::http::get_experiment_results);
}

/// What only our own services call, on the internal listener.
fn internal_routes(config: &mut ServiceConfig<'_>, inbox: &Inbox) {
    inbox.routes(config);
    audit::internal_routes(config, Service::Prefs);
    config.route(&personal_data_path(Service::Prefs), web::get().to(personal::http::personal_data));
}

/// The events of others that concern prefs.
fn subscriptions() -> Subscriptions {
    Subscriptions::new()
        .on(Service::Auth, erasure::of_user)
        .on(Service::Auth, erasure::of_organization)
        .on(Service::Auth, erasure::of_member)
}

/// The OpenAPI document of [`routes`].
#[must_use]
pub fn openapi() -> Document {
    http::document(about(), routes)
}

fn about() -> Document {
    let tags = [&TAGS[..], &jobs_http::TAGS].concat();
    http::tagged(http::about("Plinth prefs", "Preferences, merged and validated."), &tags)
}

/// What the operations are grouped by.
const TAGS: [(&str, &str); 6] = [
    ("Preferences", "One's own, over those of the organisation, over the defaults"),
    ("Preferences of an organisation", "What its members start from, and what is locked for them"),
    ("Preference namespaces", "The schemas that preferences must fit, for administrators"),
    ("Feature flags", "Flags, environments, segments, their history"),
    ("Flag evaluation", "OFREP: what any OpenFeature provider asks"),
    ("Experiments", "Variants compared by what people do"),
];

/// The schema of prefs' database.
///
/// # Errors
/// When a folder of `migrations/` is no migration.
pub fn migrations() -> Result<Catalogue, CatalogueError> {
    let mechanisms = [&jobs::MIGRATIONS, &events::MIGRATIONS, &audit::MIGRATIONS, &idempotency::MIGRATIONS];
    Catalogue::embedded(&[&[&MIGRATIONS], &mechanisms[..]].concat())
}
