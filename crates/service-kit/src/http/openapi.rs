use actix_web::App;
use problem::{FieldError, Problem};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, ResponseBuilder,
    path::PathItem,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

/// The head of a service's document: its title, licence, the shape of every refusal,
/// and the ways to prove who one is (`bearer` and `api_key`).
#[must_use]
pub fn about(title: &str, description: &str) -> OpenApi {
    let license =
        LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title(title)
        .description(Some(description))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("at+jwt")
        .description(Some("An access token, or an API key (`plk_…`)."))
        .build();
    let key = ApiKeyValue::with_description("X-API-Key", "An API key (`plk_…`).");
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
        .schema_from::<FieldError>()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)))
        .build();
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}

/// The head with the tags that operations are grouped by, and what each is for.
#[must_use]
pub fn tagged(mut about: OpenApi, tags: &[(&str, &str)]) -> OpenApi {
    let tags = tags.iter().map(|(name, what)| TagBuilder::new().name(*name).description(Some(*what)).build());
    about.tags = Some(tags.collect());
    about
}

/// The OpenAPI document of the routes that `configure` adds, under `about`.
pub fn document(about: OpenApi, configure: impl FnOnce(&mut ServiceConfig<'_>)) -> OpenApi {
    let (_, mut collected) =
        App::new().into_utoipa_app().openapi(about).configure(configure).split_for_parts();
    for item in collected.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), any_other());
        }
    }
    collected
}

/// What may happen to every operation on its way: failures of ours among others.
fn any_other() -> RefOr<Response> {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new()
        .description("Any other refusal or failure; a 429 or 503 says when to come back in `Retry-After`")
        .content(problem::CONTENT_TYPE, problem)
        .build()
        .into()
}

/// Which methods every path of a document has.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    paths: Vec<(Vec<String>, String)>,
}

impl Operations {
    /// Those of `document`.
    #[must_use]
    pub fn of(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter();
        Self { paths: paths.map(|(path, item)| (segments(path), methods(item))).collect() }
    }

    /// The methods of `path`, as `Allow` lists them; empty when there is no such path.
    #[must_use]
    pub fn methods(&self, path: &str) -> String {
        let path = segments(path);
        let fits = |template: &[String]| {
            template.len() == path.len()
                && template
                    .iter()
                    .zip(&path)
                    .all(|(wanted, given)| wanted == given || (wanted.starts_with('{') && !given.is_empty()))
        };
        let mut found: Vec<&str> = self
            .paths
            .iter()
            .filter(|(template, _)| fits(template))
            .map(|(_, methods)| methods.as_str())
            .collect();
        found.sort_unstable();
        found.dedup();
        found.join(", ")
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn methods(item: &PathItem) -> String {
    let known = [
        ("GET", item.get.is_some()),
        ("PUT", item.put.is_some()),
        ("POST", item.post.is_some()),
        ("DELETE", item.delete.is_some()),
        ("PATCH", item.patch.is_some()),
    ];
    let there: Vec<&str> = known.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    there.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::{
        HttpMethod, PathsBuilder,
        path::{OperationBuilder, PathItem},
    };

    #[test]
    fn methods_are_found_through_parameters() {
        let item = PathItem::new(HttpMethod::Delete, OperationBuilder::new().build());
        let paths = PathsBuilder::new().path("/keys/{id}", item).build();
        let operations = Operations::of(&OpenApiBuilder::new().paths(paths).build());
        assert_eq!(operations.methods("/keys/key_1"), "DELETE");
        assert_eq!(operations.methods("/keys/key_1/x"), "");
        assert_eq!(operations.methods("/keys"), "");
        assert_eq!(operations.methods("/keys/"), "", "a parameter is never empty");
    }
}
