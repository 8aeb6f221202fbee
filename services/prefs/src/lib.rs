//! prefs: namespaces with a JSON Schema and defaults, and a layer of overrides for
//! every user.
//!
//! [`routes`] is the table of contents. `document` is what users read and write,
//! `namespace` what administrators register, `precondition` what keeps two writers
//! from losing each other's work.

mod app;
mod document;
mod namespace;
mod permissions;
mod precondition;
mod settings;

use include_dir::{Dir, include_dir};
use service_kit::migrations::{Catalogue, CatalogueError};
use utoipa::{
    OpenApi,
    openapi::{
        OpenApi as Document,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
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
}

/// The OpenAPI document of [`routes`].
#[must_use]
pub fn openapi() -> Document {
    service_kit::http::document(about(), routes)
}

/// The head of the document: title, security schemes, the shape of every refusal.
fn about() -> Document {
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "Plinth prefs",
            description = "Preferences, merged and validated.",
            license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
        ),
        components(schemas(problem::Problem))
    )]
    struct About;
    let mut about = About::openapi();
    let components = about.components.get_or_insert_default();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("at+jwt");
    let bearer = bearer.description(Some("An access token, or an API key (`plk_…`).")).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let key = ApiKey::Header(ApiKeyValue::with_description("X-API-Key", "An API key (`plk_…`)."));
    components.add_security_scheme("api_key", SecurityScheme::ApiKey(key));
    about
}

/// The schema of prefs' database.
///
/// # Errors
/// When a folder of `migrations/` is no migration.
pub fn migrations() -> Result<Catalogue, CatalogueError> {
    Catalogue::embedded(&MIGRATIONS)
}
