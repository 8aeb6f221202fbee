use std::convert::Infallible;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    body::{self, BodyStream, SizedStream},
    http::{
        Method, StatusCode, Version,
        header::{ALLOW, HOST},
    },
    web,
};
use futures_util::{StreamExt, future::BoxFuture, stream};
use hyper::{
    Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    http::uri::PathAndQuery,
};
use ids::Timestamp;
use ipnet::IpNet;
use problem::{HttpError, Kind, Problem};
use service_discovery::{Context, Service};
use service_kit::http::{Proxied, RouteName, method, nowhere};

use super::{
    ProxyError, Upstream,
    admit::{Admitted, sets_cookies},
    body::{Download, Upload, download},
    coding::encoded,
    ending::{Ending, ending},
    headers::{Ours, forwarded_for, to_client, to_service},
    upgrade,
    upstream::Outgoing,
};
use crate::{
    access_log::Passed,
    credential::Credentials,
    front::Current,
    inward::Mint,
    limit::RateLimits,
    origin::Origins,
    path::{NotCanonical, Route, Table, canonical},
    settings::Limits,
};

/// The methods that pass.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// What stands between a request and the services.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) table: Table,
    pub(crate) credentials: Credentials,
    pub(crate) origins: Origins,
    pub(crate) rate_limits: RateLimits,
    pub(crate) mint: Mint,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// `https` and `api.example.com`, as clients see the gateway.
    pub(crate) scheme: HeaderValue,
    pub(crate) host: HeaderValue,
    pub(crate) limits: Limits,
}

/// Passes a request on to the service that owns its path.
pub(crate) async fn proxy(
    request: HttpRequest,
    payload: web::Payload,
    front: Current,
    upstream: web::Data<Upstream>,
) -> Result<HttpResponse, HttpError> {
    let door = &front.door;
    let target = target(&request)?;
    let path = canonical(target)?;
    let Some(route) = door.table.find(path) else { return nowhere(request).await };
    request.extensions_mut().insert(RouteName(route.prefix));
    let method = method(&request);
    allowed(&method)?;
    let opens_websocket = opens_websocket(&request);
    let admitted = door.admit(&request, (target, path), route.service, opens_websocket).await?;
    request.extensions_mut().insert(Passed { service: route.service, claims: admitted.claims.clone() });
    let ended = || ending(&request, admitted.claims.as_ref().map(|claims| door.credentials.ended(claims)));
    let outgoing = outgoing(door, &request, route, &admitted, opens_websocket)?;
    if opens_websocket {
        let answer = upstream.send(&front, &outgoing, Upload::nothing()).await?;
        if answer.status() == hyper::StatusCode::SWITCHING_PROTOCOLS {
            return Ok(upgrade::switch(route.service, answer, payload, ended()));
        }
        return Ok(admitted.tell(reply(&method, route.service, answer, door.limits, ended)));
    }
    let body = Upload::of(&request, payload, door.limits).await?;
    let answer = upstream.send(&front, &outgoing, body).await?;
    // A server's own 408: what our services refuse is a problem, with a type.
    if answer.status() == hyper::StatusCode::REQUEST_TIMEOUT && !answer.headers().contains_key(CONTENT_TYPE) {
        return Err(ProxyError::Busy(route.service).into());
    }
    door.heed(&admitted, route.service, answer.headers()).await;
    let reply = reply(&method, route.service, answer, door.limits, ended);
    Ok(admitted.tell(encoded(&request, reply)))
}

/// The path and query as they came, without the origin of an absolute form, which must be
/// the one that `Host` names (RFC 9112 section 3.2.2). HTTP/2 has it in every request, and
/// `Host` beside it only in some (RFC 9113 section 8.3.1).
fn target(request: &HttpRequest) -> Result<&str, NotCanonical> {
    let uri = &request.head().uri;
    let host = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
    if let Some(authority) = uri.authority()
        && !host.map_or(request.version() == Version::HTTP_2, |host| {
            host.eq_ignore_ascii_case(authority.as_str())
        })
    {
        return Err(NotCanonical("it names another host than `Host` does"));
    }
    Ok(uri.path_and_query().map_or("", |target| target.as_str()))
}

/// Only methods that a service may have; TRACE would tell what the gateway adds.
fn allowed(method: &Method) -> Result<(), HttpError> {
    if METHODS.split(", ").any(|known| known == method.as_str()) {
        return Ok(());
    }
    let detail = format!("{method} is not possible here, only: {METHODS}");
    let problem = Problem::new(Kind::MethodNotAllowed, "method_not_allowed", detail);
    Err(HttpError::from(problem).with_header(ALLOW, METHODS))
}

/// RFC 6455 section 4.1.
fn opens_websocket(request: &HttpRequest) -> bool {
    let upgrade = request.headers().get("upgrade").and_then(|value| value.to_str().ok());
    method(request) == Method::GET
        && request.head().upgrade()
        && upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

fn outgoing(
    door: &Door,
    request: &HttpRequest,
    route: Route,
    admitted: &Admitted<'_>,
    opens_websocket: bool,
) -> Result<Outgoing, HttpError> {
    let (claims, target) = (admitted.claims.as_deref(), admitted.target.as_ref());
    let inward = |claims| door.mint.authorization(claims, route.service, Timestamp::now());
    let context = Context::current();
    let peer = request.peer_addr().map(|address| address.ip());
    let ours = Ours {
        authorization: claims.map(inward).transpose()?,
        request_id: context.request_id.as_deref(),
        traceparent: context.traceparent.as_deref(),
        forwarded_for: &forwarded_for(request.headers(), peer, &door.trusted_proxies),
        scheme: door.scheme.clone(),
        host: door.host.clone(),
    };
    let headers = to_service(request.headers(), target, opens_websocket, ours)
        .map_err(|why| ProxyError::Unwritable(why.into()))?;
    let method = hyper::Method::from_bytes(method(request).as_str().as_bytes())
        .map_err(|why| ProxyError::Unwritable(why.into()))?;
    let target = PathAndQuery::try_from(target).map_err(|why| ProxyError::Unwritable(why.into()))?;
    Ok(Outgoing { service: route.service, method, target, headers })
}

/// The service's answer, its body still on the way. A stream of events, which has no
/// end of its own, ends with the caller's credential, and with this process.
fn reply(
    method: &Method,
    service: Service,
    answer: Response<Download>,
    limits: Limits,
    ended: impl FnOnce() -> BoxFuture<'static, Ending>,
) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let length = answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let mut response = HttpResponse::build(status);
    for (name, value) in to_client(answer.headers(), sets_cookies(service)) {
        response.append_header((name, value));
    }
    let bodyless =
        *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let ended = is_event_stream(&answer).then(ended);
    let chunks = download(answer.into_body(), limits);
    let mut response = match length {
        // The length of what a GET would bring; nothing follows it. Not as a sized body:
        // actix takes that for a broken one when the next request is already there.
        Some(length) if bodyless => {
            response.no_chunking(length).body(BodyStream::new(stream::empty::<Result<_, Infallible>>()))
        }
        None if bodyless => response.body(body::None::new()),
        Some(length) => response.body(SizedStream::new(length, Box::pin(chunks))),
        None if let Some(ended) = ended => response.body(BodyStream::new(Box::pin(chunks.take_until(ended)))),
        None => response.body(BodyStream::new(Box::pin(chunks))),
    };
    response.extensions_mut().insert(Proxied);
    response
}

/// WHATWG HTML, section 9.2: server-sent events.
fn is_event_stream(answer: &Response<Download>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}
