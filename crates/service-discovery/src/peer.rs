use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use problem::{CONTENT_TYPE, Problem};
use reqwest::{
    Certificate, Client, Method, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE as CONTENT_TYPE_HEADER, HeaderName},
    redirect, retry,
};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{Context, breaker::Breaker};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where a service is; it may move.
type Places = Arc<RwLock<Arc<[Url]>>>;

/// One service as seen by a caller: its instances in turn, with time-outs, a
/// circuit breaker, and retries within a budget where repeating is harmless.
#[derive(Clone, Debug)]
pub struct Peer {
    bases: Places,
    http: Client,
    breaker: Arc<Breaker>,
    turn: Arc<AtomicUsize>,
}

/// How a [`Peer`] is called.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// For the connection to be made.
    pub connect_timeout: Duration,
    /// For the whole call, retries included.
    pub timeout: Duration,
    /// Certificate authorities (PEM) to trust beside the system's.
    pub authority: Option<Arc<[u8]>>,
}

impl Default for PeerOptions {
    /// 1 s to connect, 5 s in all, the system's authorities.
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(1), timeout: Duration::from_secs(5), authority: None }
    }
}

/// Why a call brought no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service refused, and says why.
    #[error("refused: {}: {}", .0.code, .0.detail)]
    Refused(Box<Problem>),
    /// No answer came: it is down, too slow, or out of reach.
    #[error("no answer")]
    Transport(#[source] reqwest::Error),
    /// It failed too often just now, so it was not called.
    #[error("not called: it failed too often just now")]
    Resting,
    /// An answer came that no contract describes.
    #[error("an answer that cannot be read (status {status})")]
    Unreadable {
        /// The status of that answer.
        status: u16,
        /// Where its JSON departs from the contract, if it is JSON.
        source: Option<serde_json::Error>,
    },
    /// The peer cannot be set up: no instance, or a bad authority.
    #[error("{0}")]
    Setup(String),
}

impl CallError {
    /// Whether the other side is at fault or absent, rather than our request.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status >= 500,
            Self::Transport(_) | Self::Resting | Self::Unreadable { .. } | Self::Setup(_) => true,
        }
    }
}

impl Peer {
    /// The service that answers at `bases` (at least one).
    ///
    /// # Errors
    /// [`CallError::Setup`] without an instance or with an unreadable authority.
    pub fn new(bases: &[Url], options: &PeerOptions) -> Result<Self, CallError> {
        let bases = places(bases)?;
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .tcp_nodelay(true)
            .retry(repeating_the_harmless());
        if let Some(pem) = &options.authority {
            builder = builder.tls_certs_merge(authorities(pem).map_err(CallError::Setup)?);
        }
        let http = builder.build().map_err(|why| CallError::Setup(why.to_string()))?;
        Ok(Self { bases, http, breaker: Arc::default(), turn: Arc::default() })
    }

    /// Another service, called in the same way and on the same connections, which spares
    /// making a client of its own; whether it fails is counted by itself.
    ///
    /// # Errors
    /// [`CallError::Setup`] without an instance.
    pub fn at(&self, bases: &[Url]) -> Result<Self, CallError> {
        let (http, bases) = (self.http.clone(), places(bases)?);
        Ok(Self { bases, http, breaker: Arc::default(), turn: Arc::default() })
    }

    /// The service has moved: from now on, this one and all its clones call it there. Without
    /// an instance, nothing changes.
    pub fn relocate(&self, bases: &[Url]) {
        if !bases.is_empty() {
            *self.bases.write().unwrap_or_else(PoisonError::into_inner) = bases.into();
        }
    }

    /// A request to the next instance, carrying the current [`Context`].
    /// `path` begins with a slash and may hold a query.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let bases = Arc::clone(&self.bases.read().unwrap_or_else(PoisonError::into_inner));
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % bases.len();
        let base = bases[turn].as_str().trim_end_matches('/');
        let mut request = self.http.request(method, format!("{base}{path}"));
        let context = Context::current();
        if let Some(id) = context.request_id {
            request = request.header(REQUEST_ID, id);
        }
        if let Some(parent) = context.traceparent {
            request = request.header(TRACEPARENT, parent);
        }
        request
    }

    /// Sends it. Any status below 400 is a success; the rest are errors.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the problem of the other side, or what kept an
    /// answer from coming.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, CallError> {
        if !self.breaker.admits(Instant::now()) {
            return Err(CallError::Resting);
        }
        let outcome = request.send().await;
        let healthy = outcome.as_ref().is_ok_and(|response| !response.status().is_server_error());
        self.breaker.record(healthy, Instant::now());
        let response = outcome.map_err(CallError::Transport)?;
        if response.status() < StatusCode::BAD_REQUEST { Ok(response) } else { Err(refusal(response).await) }
    }

    /// Sends it and reads the JSON that comes.
    ///
    /// # Errors
    /// As [`Peer::send`]; JSON of another shape is [`CallError::Unreadable`].
    pub async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let response = self.send(request).await?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(CallError::Transport)?;
        serde_json::from_slice(&body).map_err(|source| CallError::Unreadable { status, source: Some(source) })
    }
}

fn places(bases: &[Url]) -> Result<Places, CallError> {
    if bases.is_empty() {
        return Err(CallError::Setup("a service needs at least one URL".to_owned()));
    }
    Ok(Arc::new(RwLock::new(bases.into())))
}

/// Tries again, within a fifth of extra load, what may be repeated: a method
/// without effect or with the same effect, when no answer came or the instance
/// said that it cannot serve now.
fn repeating_the_harmless() -> retry::Builder {
    /// A peer's client calls nobody else, so its budget is for every host.
    struct EveryHost;
    impl PartialEq<&str> for EveryHost {
        fn eq(&self, _: &&str) -> bool {
            true
        }
    }
    retry::for_host(EveryHost).max_extra_load(0.2).max_retries_per_request(2).classify_fn(|attempt| {
        let harmless = matches!(*attempt.method(), Method::GET | Method::HEAD | Method::PUT | Method::DELETE);
        let failed = match attempt.status() {
            Some(status) => matches!(status.as_u16(), 502..=504),
            None => attempt.error().is_some(),
        };
        if harmless && failed { attempt.retryable() } else { attempt.success() }
    })
}

/// The problem of an error reply, or that there is none in it.
async fn refusal(response: Response) -> CallError {
    let status = response.status().as_u16();
    let typed = response.headers().get(CONTENT_TYPE_HEADER).and_then(|value| value.to_str().ok());
    if !typed.is_some_and(|value| value.starts_with(CONTENT_TYPE)) {
        return CallError::Unreadable { status, source: None };
    }
    match response.bytes().await {
        Ok(body) => serde_json::from_slice(&body).map_or_else(
            |source| CallError::Unreadable { status, source: Some(source) },
            |problem| CallError::Refused(Box::new(problem)),
        ),
        Err(why) => CallError::Transport(why),
    }
}

/// The certificates of a PEM file, of which there is at least one.
pub(crate) fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let found = Certificate::from_pem_bundle(pem).map_err(|why| why.to_string())?;
    if found.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(found) }
}
