use actix_web::App;
use utoipa::openapi::{OpenApi, path::PathItem};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

/// The OpenAPI document of the routes that `configure` adds, under `about`.
pub fn document(about: OpenApi, configure: impl FnOnce(&mut ServiceConfig<'_>)) -> OpenApi {
    let (_, collected) = App::new().into_utoipa_app().openapi(about).configure(configure).split_for_parts();
    collected
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
        HttpMethod, OpenApiBuilder, PathsBuilder,
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
