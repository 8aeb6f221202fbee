//! What happens around every request: its id, its span, its count, and the last
//! word on its problem.

use std::time::Instant;

use actix_web::{
    HttpMessage, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method, Version,
        header::{
            CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    web,
};
use ids::{Id, Kind as IdKind};
use observability::{Metrics, trace};
use problem::{CONTENT_TYPE as PROBLEM, Kind, Problem};
use service_discovery::Context;
use tracing::Instrument;

use super::Readiness;

/// The header that names a request in the logs of every service.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Marks (as a response extension) what an upstream said, or what a standard has its own
/// words for: its body is left as it is.
#[derive(Clone, Copy, Debug)]
pub struct Proxied;

/// Names the route in metrics (as a request extension) where actix has no template.
#[derive(Clone, Copy, Debug)]
pub struct RouteName(pub &'static str);

/// Marks (as a request extension) a HEAD, which is routed as the GET that it is
/// without the body (RFC 9110 section 9.3.2); actix leaves the body out.
#[derive(Clone, Copy, Debug)]
struct Head;

/// The method as the client sent it.
#[must_use]
pub fn method(request: &HttpRequest) -> Method {
    match request.extensions().get::<Head>() {
        Some(Head) => Method::HEAD,
        None => request.method().clone(),
    }
}

enum Request {}

impl IdKind for Request {
    const PREFIX: &'static str = "req";
    const NAME: &'static str = "RequestId";
}

pub(super) async fn observe<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    // At this level so that no filter takes the id from a line that it lets through.
    let span = tracing::error_span!("request", request_id = id, %method, path = request.path());
    let caller = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let traceparent = trace::enter(&span, caller);
    if method == Method::HEAD {
        request.extensions_mut().insert(Head);
        request.head_mut().method = Method::GET;
    }
    let context = Context { request_id: Some(id.clone()), traceparent: Some(traceparent) };
    // No handler ends in `Err` here: actix has made a response of it. And the request
    // must not be cloned before the call: actix then cannot route it.
    let response = context.scope(next.call(request)).instrument(span.clone()).await?;
    let response = span.in_scope(|| finish(response.map_into_left_body(), &id));
    let answered = response.request();
    if let Some(metrics) = answered.app_data::<web::Data<Metrics>>() {
        metrics.request(label(&method), &route(answered), response.status().as_u16(), started.elapsed());
    }
    Ok(response)
}

/// The method as a label: what a client makes up is one of the others.
fn label(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "_OTHER",
    }
}

/// The template of the request's path, as a label.
fn route(request: &HttpRequest) -> String {
    let named = request.extensions().get::<RouteName>().map(|name| name.0.to_owned());
    named.or_else(|| request.match_pattern()).unwrap_or_else(|| "none".to_owned())
}

/// The caller's id if it is sane: at most 128 of `[A-Za-z0-9._-]`; a new one else.
fn request_id(headers: &HeaderMap) -> String {
    let sane = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| Id::<Request>::generate().to_string(), str::to_owned)
}

/// Adds the headers that every response has, and the request's id to a problem.
fn finish<B: MessageBody + 'static>(
    mut response: ServiceResponse<EitherBody<B>>,
    id: &str,
) -> ServiceResponse<EitherBody<B>> {
    let draining =
        response.request().app_data::<web::Data<Readiness>>().is_some_and(|state| state.is_draining());
    if draining && response.request().version() < Version::HTTP_2 {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    let status = response.status();
    tracing::debug!(status = status.as_u16(), "answered");
    let told = response.response().extensions().get::<Problem>().cloned();
    let proxied = response.response().extensions().get::<Proxied>().is_some();
    let problem = told.or_else(|| generic(status.as_u16()).filter(|_| !proxied));
    if let Some(problem) = problem {
        let body = Problem { request_id: Some(id.to_owned()), ..problem };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        response = response.map_body(|_, _| EitherBody::right(BoxBody::new(body)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        // What has an ETag may be kept, by the client alone, and be asked for again.
        let keep = if headers.contains_key(ETAG) { "private, no-cache" } else { "no-store" };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    }
    response
}

/// The problem of a refusal that actix wrote in its own words.
fn generic(status: u16) -> Option<Problem> {
    match status {
        0..400 => None,
        _ => {
            let kind = Kind::of_status(status).unwrap_or(if status < 500 {
                Kind::Malformed
            } else {
                Kind::Internal
            });
            Some(Problem { status, ..Problem::new(kind, "request_refused", kind.advice()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_request_id_is_always_sane(given in proptest::option::of("[ -~]{0,200}")) {
            let mut headers = HeaderMap::new();
            if let Some(value) = given.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(REQUEST_ID, value);
            }
            let id = request_id(&headers);
            prop_assert!((1..=128).contains(&id.len()));
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
        }
    }

    #[test]
    fn a_sane_id_is_taken() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("front-end.7_x"));
        assert_eq!(request_id(&headers), "front-end.7_x");
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b"));
        assert!(request_id(&headers).starts_with("req_"));
    }
}
