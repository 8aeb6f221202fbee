use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpMessage, body::MessageBody, dev::ServiceResponse, http::header::USER_AGENT};
use identity::Claims;
use ids::Timestamp;
use serde::Serialize;
use service_discovery::{Context, Service};
use service_kit::http::{RouteName, method};

/// A request and what became of it: what is known when its answer begins, in JSON already, and
/// what only its end tells.
#[derive(Debug)]
pub(super) struct Line {
    head: Vec<u8>,
    began: Instant,
    end: End,
}

/// The query is left out: it may hold a ticket.
#[derive(Serialize)]
struct Head<'a> {
    /// When it came.
    time: Timestamp,
    /// Tells these lines from those of the log, where both go to one place.
    kind: &'static str,
    request_id: Option<&'a str>,
    /// Who sent it, as far as trusted proxies say.
    client: IpAddr,
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    /// What it was routed by, as in the metrics.
    route: Option<&'static str>,
    /// The service that it went to.
    service: Option<&'static str>,
    /// In whose name: the token's `sub`.
    subject: Option<&'a str>,
    /// What carried it: the session's or the API key's id.
    credential: Option<&'a str>,
    status: u16,
    user_agent: Option<&'a str>,
}

#[derive(Debug, Default, Serialize)]
struct End {
    /// Of the body, as it was sent.
    bytes: u64,
    /// Whether all of the answer was sent.
    complete: bool,
    duration_ms: f64,
}

/// Tells the log (as a request extension) who asked for what.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) service: Service,
    pub(crate) claims: Option<Arc<Claims>>,
}

impl Line {
    /// Of an answer that begins, to a request that began then.
    pub(super) fn of<B: MessageBody>(
        response: &ServiceResponse<B>,
        client: IpAddr,
        (time, began): (Timestamp, Instant),
    ) -> serde_json::Result<Self> {
        let request = response.request();
        let extensions = request.extensions();
        let passed = extensions.get::<Passed>();
        let claims = passed.and_then(|passed| passed.claims.as_ref());
        let (context, method) = (Context::current(), method(request));
        let head = Head {
            time,
            kind: "access",
            request_id: context.request_id.as_deref(),
            client,
            method: method.as_str(),
            path: request.path(),
            protocol: protocol(request.version()),
            route: extensions.get::<RouteName>().map(|route| route.0),
            service: passed.map(|passed| passed.service.name()),
            subject: claims.map(|claims| claims.sub.as_str()),
            credential: claims.and_then(|claims| claims.sid.as_deref()),
            status: response.status().as_u16(),
            user_agent: request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()),
        };
        Ok(Self { head: serde_json::to_vec(&head)?, began, end: End::default() })
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.end.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.end.bytes
    }

    /// All of it, of an answer that ends now.
    pub(super) fn ended(&mut self, complete: bool) -> serde_json::Result<&[u8]> {
        let took: Duration = self.began.elapsed();
        // Microseconds are enough, and more would be twenty digits.
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let end = serde_json::to_vec(&End { complete, duration_ms, ..self.end })?;
        // Two objects become one.
        self.head.pop();
        self.head.push(b',');
        self.head.extend_from_slice(end.get(1..).unwrap_or_default());
        self.head.push(b'\n');
        Ok(&self.head)
    }
}

fn protocol(version: actix_web::http::Version) -> &'static str {
    use actix_web::http::Version;
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP",
    }
}
