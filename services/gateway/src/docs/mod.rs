//! The pages for people: the API, browsable, and what every problem means. Nothing
//! on them is loaded from elsewhere.

mod problems;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION},
    web,
};
use problem::{HttpError, Kind, Problem};

use crate::proxy::encoded;

/// Nothing from elsewhere, and nobody may frame the page. Swagger UI sets styles inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Leads to the documentation.
#[utoipa::path(tag = "Gateway", responses((status = 302, description = "To `/docs/`.")))]
#[get("/")]
pub(crate) async fn get_root() -> HttpResponse {
    to_docs()
}

/// Leads to the page itself, whose files are found relative to it.
#[utoipa::path(tag = "Gateway", responses((status = 302, description = "To `/docs/`.")))]
#[get("")]
pub(crate) async fn get_docs() -> HttpResponse {
    to_docs()
}

/// What each kind of problem means, and what to do about it.
#[utoipa::path(tag = "Gateway", responses(
    (status = 200, description = "A page.", body = String, content_type = "text/html"),
))]
#[get("/problems")]
pub(crate) async fn get_problem_docs(request: HttpRequest) -> HttpResponse {
    page(&request, "text/html; charset=utf-8", problems::page())
}

/// The API as a page to browse and try, and the files that it consists of.
#[utoipa::path(tag = "Gateway", params(("file" = String, Path, description = "Empty for the page.")), responses(
    (status = 200, description = "The page, or one of its files.", body = String, content_type = "text/html"),
    (status = 404, description = "No such file.", body = Problem, content_type = "application/problem+json"),
))]
#[get("/{file:.*}")]
pub(crate) async fn get_docs_file(
    request: HttpRequest,
    file: web::Path<String>,
) -> Result<HttpResponse, HttpError> {
    let config = Arc::new(utoipa_swagger_ui::Config::from("/openapi.json"));
    match utoipa_swagger_ui::serve(&file, config) {
        Ok(Some(found)) => Ok(page(&request, &found.content_type, found.bytes.into_owned())),
        _ => Err(Problem::new(Kind::NotFound, "path_not_found", "there is nothing at this path").into()),
    }
}

fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "/docs/")).finish()
}

fn page(request: &HttpRequest, kind: &str, body: impl Into<web::Bytes>) -> HttpResponse {
    let page = HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .body(body.into());
    encoded(request, page)
}
