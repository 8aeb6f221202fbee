//! What actix itself refuses, as problems.

use std::future::{Ready, ready};

use actix_web::{
    HttpRequest, HttpResponse,
    error::{PathError, QueryPayloadError},
    http::header::ALLOW,
    web,
};
use problem::{HttpError, Kind, Problem};

use super::openapi::Operations;

/// The answer where no operation is: 404, or 405 with `Allow` where the path has
/// other methods.
pub fn nowhere(request: HttpRequest) -> Ready<Result<HttpResponse, HttpError>> {
    let allowed = request
        .app_data::<web::Data<Operations>>()
        .map(|operations| operations.methods(request.path()))
        .unwrap_or_default();
    if allowed.is_empty() {
        let problem = Problem::new(Kind::NotFound, "path_not_found", "there is nothing at this path");
        return ready(Err(problem.into()));
    }
    let detail = format!("{} is not possible here, only: {allowed}", request.method());
    let problem = Problem::new(Kind::MethodNotAllowed, "method_not_allowed", detail);
    ready(Err(HttpError::from(problem).with_header(ALLOW, allowed)))
}

/// A path whose id is none names nothing.
pub(super) fn bad_path(_: PathError, _: &HttpRequest) -> actix_web::Error {
    let detail = "the path holds an id that is none of ours";
    HttpError::from(Problem::new(Kind::NotFound, "path_not_found", detail)).into()
}

pub(super) fn bad_query(why: QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    let QueryPayloadError::Deserialize(why) = why else {
        return HttpError::from(Problem::new(Kind::Malformed, "query_malformed", "the query cannot be read"))
            .into();
    };
    let detail = format!("the query cannot be read: {why}");
    HttpError::from(Problem::new(Kind::Malformed, "query_malformed", detail)).into()
}
