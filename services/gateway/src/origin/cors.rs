//! Which pages may call the API (the Fetch standard's CORS protocol). Preflights are
//! answered here; every other answer, problems included, gets its headers.

use actix_web::{
    HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
        },
    },
    middleware::Next,
};

use crate::front::Front;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Accept, Authorization, Content-Type, Flags-Environment, Idempotency-Key, If-Match, \
                       If-None-Match, Last-Event-ID, Prefer, X-API-Key, X-Request-Id, traceparent";
const EXPOSED: &str = "Content-Disposition, ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, \
                       WWW-Authenticate, X-Request-Id";
/// How long a browser may remember a preflight, seconds.
const MAX_AGE: &str = "600";

/// Around every route of the public listener. actix-cors would leave out answers
/// that an inner middleware makes, and brings more settings than are wanted.
pub(crate) async fn cors<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let origin = request.headers().get(ORIGIN).filter(|origin| is_trusted(&request, origin)).cloned();
    let mut response = if is_preflight(&request) {
        let mut response = HttpResponse::NoContent().finish();
        if origin.is_some() {
            allow(response.headers_mut());
        }
        request.into_response(response).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        set(headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    Ok(response)
}

fn is_trusted(request: &ServiceRequest, origin: &HeaderValue) -> bool {
    Front::of(request.request()).is_some_and(|front| front.door.origins.trust(origin))
}

fn is_preflight(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    *request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn allow(headers: &mut HeaderMap) {
    set(headers, ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    set(headers, ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    set(headers, ACCESS_CONTROL_MAX_AGE, MAX_AGE);
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
