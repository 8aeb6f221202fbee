//! Preferences: namespaces with a JSON Schema and defaults, and a layer of overrides
//! for every user.
//!
//! [`routes`] is the table of contents. `document` is what users read and write,
//! `namespace` what administrators register, `precondition` what keeps two writers
//! from losing each other's work.

mod app;
mod document;
mod namespace;
mod precondition;
mod settings;

pub use app::{App, BuildError, migrate, migrations, serve};
pub use settings::Settings;

use identity::Permission;
use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::service_config::ServiceConfig;

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
pub fn openapi() -> OpenApi {
    service_kit::http::document(about(), routes)
}

/// The head of the document: title, version, security schemes.
fn about() -> OpenApi {
    #[derive(utoipa::OpenApi)]
    #[openapi(
        info(title = "Plinth prefs", description = "Preferences, merged and validated."),
        components(schemas(problem::Problem, problem::FieldError))
    )]
    struct About;

    let mut about = About::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("at+jwt, or an API key");
    let key = ApiKeyValue::with_description("X-API-Key", "An API key: plk_…");
    if let Some(components) = &mut about.components {
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    }
    about
}

/// Reading one's own preferences.
enum ReadPreferences {}

impl Permission for ReadPreferences {
    const SCOPE: &'static str = "prefs:read";
}

/// Changing one's own preferences.
enum WritePreferences {}

impl Permission for WritePreferences {
    const SCOPE: &'static str = "prefs:write";
}

/// Reading and registering namespaces, which are the platform's.
enum AdministerPreferences {}

impl Permission for AdministerPreferences {
    const SCOPE: &'static str = "prefs:admin";
}
