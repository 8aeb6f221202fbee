//! Calls services: connections that are kept, time limits, and the next instance
//! where nothing was sent yet.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use hyper::{HeaderMap, Method, Request, Response, body::Incoming};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::{TokioExecutor, TokioTimer},
};
use service_discovery::{Registry, Service};
use tokio::{sync::oneshot, time::timeout};

use super::{
    ProxyError,
    body::{Upload, UploadFault},
    connect::{Connector, Endpoints},
    error::cause,
};
use crate::settings::Limits;

/// How long an unused connection is kept: shorter than the services keep theirs.
const IDLE: Duration = Duration::from_secs(60);

/// The services as one worker reaches them; workers share no connection and no lock.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client<Connector, Upload>,
    /// The base URLs of every service's instances, without a slash at the end.
    instances: HashMap<Service, Vec<String>>,
    turn: AtomicUsize,
    limits: Limits,
}

/// A request, ready to be sent to any instance.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) service: Service,
    pub(super) method: Method,
    /// The canonical path, and the query as it came.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

impl Upstream {
    pub(crate) fn new(
        registry: &Registry,
        services: &[Service],
        endpoints: Endpoints,
        limits: Limits,
    ) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1024)
            .build(Connector { endpoints, timeout: limits.connect });
        let bases = |service: Service| {
            let urls = registry.public(service).iter();
            urls.map(|url| url.as_str().trim_end_matches('/').to_owned()).collect()
        };
        let instances = services.iter().map(|service| (*service, bases(*service))).collect();
        Self { client, instances, turn: AtomicUsize::new(0), limits }
    }

    /// The head of the answer. `uploaded` ends when the whole request is sent: the
    /// time for the first byte runs from there.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        body: Upload,
        uploaded: Option<oneshot::Receiver<()>>,
    ) -> Result<Response<Incoming>, ProxyError> {
        if body.is_empty() {
            return self.send_small(outgoing).await;
        }
        let base = self.in_turn(outgoing.service).next().unwrap_or_default();
        let request = self.client.request(outgoing.for_instance(base, body)?);
        tokio::pin!(request);
        if let Some(uploaded) = uploaded {
            tokio::select! {
                answer = &mut request => return answer.map_err(|why| self.fault(outgoing.service, why)),
                _ = uploaded => {}
            }
        }
        let answer = timeout(self.limits.first_byte, request).await;
        answer
            .map_err(|why| ProxyError::Slow(outgoing.service, why))?
            .map_err(|why| self.fault(outgoing.service, why))
    }

    /// A request without a body: an instance that takes no connection is passed over,
    /// and where repeating is harmless a kept connection that turns out to be closed
    /// is replaced once.
    async fn send_small(&self, outgoing: &Outgoing) -> Result<Response<Incoming>, ProxyError> {
        let mut again = matches!(outgoing.method, Method::GET | Method::HEAD);
        let mut instances = self.in_turn(outgoing.service);
        let mut base = instances.next().unwrap_or_default();
        loop {
            let request = self.client.request(outgoing.for_instance(base, Upload::nothing())?);
            let answer = timeout(self.limits.first_byte, request).await;
            let why = match answer.map_err(|why| ProxyError::Slow(outgoing.service, why))? {
                Ok(response) => return Ok(response),
                Err(why) => why,
            };
            match instances.next() {
                Some(next) if why.is_connect() => base = next,
                _ if again && was_cut(&why) => again = false,
                _ => return Err(self.fault(outgoing.service, why)),
            }
        }
    }

    /// All instances of `service`, beginning with another one each time.
    fn in_turn(&self, service: Service) -> impl Iterator<Item = &str> {
        let instances = self.instances.get(&service).map_or(&[][..], Vec::as_slice);
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % instances.len().max(1);
        instances.iter().cycle().skip(first).take(instances.len()).map(String::as_str)
    }

    fn fault(&self, service: Service, why: Error) -> ProxyError {
        match cause::<UploadFault>(&why) {
            Some(UploadFault::TooLarge) => ProxyError::TooLarge(self.limits.max_body),
            Some(UploadFault::Interrupted) => ProxyError::Interrupted,
            None if why.is_connect() => ProxyError::Down(service, why),
            None => ProxyError::Broken(service, why),
        }
    }
}

impl Outgoing {
    fn for_instance(&self, base: &str, body: Upload) -> Result<Request<Upload>, ProxyError> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{base}{}", self.target))
            .body(body)?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

/// Whether the connection ended without a byte of an answer.
fn was_cut(why: &Error) -> bool {
    cause::<hyper::Error>(why).is_some_and(|why| why.is_incomplete_message() || why.is_canceled())
        || cause::<std::io::Error>(why).is_some_and(|why| why.kind() == std::io::ErrorKind::ConnectionReset)
}
