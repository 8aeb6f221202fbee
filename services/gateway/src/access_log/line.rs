use actix_web::{HttpMessage, body::MessageBody, dev::ServiceResponse, http::header::USER_AGENT};
use identity::Claims;
use ids::Timestamp;
use serde::Serialize;
use service_discovery::{Context, Service};
use service_kit::http::{RouteName, method};

/// A request and what became of it. The query is left out: it may hold a ticket.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    /// When it came.
    time: Timestamp,
    /// Tells these lines from those of the log, where both go to one place.
    kind: &'static str,
    request_id: Option<String>,
    /// Who sent it, as far as trusted proxies say.
    client: String,
    method: String,
    path: String,
    protocol: String,
    /// What it was routed by, as in the metrics.
    route: Option<&'static str>,
    /// The service that it went to.
    service: Option<&'static str>,
    /// In whose name: the token's `sub`.
    subject: Option<String>,
    /// What carried it: the session's or the API key's id.
    credential: Option<String>,
    status: u16,
    /// Of the body, as it was sent.
    pub(super) bytes: u64,
    /// Whether all of the answer was sent.
    pub(super) complete: bool,
    user_agent: Option<String>,
}

/// Tells the log (as a request extension) who asked for what.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    service: Service,
    subject: Option<String>,
    credential: Option<String>,
}

impl Passed {
    pub(crate) fn new(service: Service, claims: Option<&Claims>) -> Self {
        let subject = claims.map(|claims| claims.sub.clone());
        Self { service, subject, credential: claims.and_then(|claims| claims.sid.clone()) }
    }
}

impl Line {
    pub(super) fn of<B: MessageBody>(response: &ServiceResponse<B>, client: String, time: Timestamp) -> Self {
        let request = response.request();
        let extensions = request.extensions();
        let passed = extensions.get::<Passed>();
        let header = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            time,
            kind: "access",
            request_id: Context::current().request_id,
            client,
            method: method(request).to_string(),
            path: request.path().to_owned(),
            protocol: format!("{:?}", request.version()),
            route: extensions.get::<RouteName>().map(|route| route.0),
            service: passed.map(|passed| passed.service.name()),
            subject: passed.and_then(|passed| passed.subject.clone()),
            credential: passed.and_then(|passed| passed.credential.clone()),
            status: response.status().as_u16(),
            bytes: 0,
            complete: false,
            user_agent: header.map(str::to_owned),
        }
    }
}
