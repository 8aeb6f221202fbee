//! Calls services: connections that are kept, time limits, and the next instance
//! where nothing was sent yet.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use hyper::{HeaderMap, Method, Request, Response, body::Incoming};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::{TokioExecutor, TokioTimer},
};
use service_discovery::{Registry, Service};
use tokio::time::timeout;

use super::{
    ProxyError,
    body::{Upload, UploadFault},
    connect::{Connector, Endpoints},
    error::cause,
    instances::{Instance, Instances},
};
use crate::settings::Limits;

/// How long an unused connection is kept: shorter than the services keep theirs.
const IDLE: Duration = Duration::from_secs(60);

/// The services as one worker reaches them; workers share no connection and no lock.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client<Connector, Upload>,
    instances: HashMap<Service, Instances>,
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
        let instances = |service: &Service| (*service, Instances::new(registry.public(*service)));
        let instances = services.iter().map(instances).collect();
        Self { client, instances, limits }
    }

    /// The head of the answer.
    pub(super) async fn send(
        &self,
        outgoing: &Outgoing,
        body: Upload,
    ) -> Result<Response<Incoming>, ProxyError> {
        let harmless = matches!(outgoing.method, Method::GET | Method::HEAD);
        let mut again = harmless;
        let mut instances = self.instances(outgoing.service);
        let mut instance = instances.next().ok_or(ProxyError::Nowhere(outgoing.service))?;
        if !body.is_empty() {
            return self
                .attempt(outgoing, instance, body)
                .await?
                .map_err(|why| self.fault(outgoing.service, why));
        }
        // An instance that takes no connection is passed over; and where repeating is
        // harmless, a kept connection that turns out to be closed is replaced once.
        loop {
            let why = match self.attempt(outgoing, instance, Upload::nothing()).await? {
                Ok(response) => return Ok(response),
                Err(why) => why,
            };
            match instances.next() {
                Some(next) if why.is_connect() => instance = next,
                _ if again && was_cut(&why) => again = false,
                // Twice cut is gone; and as nothing can have happened, trying again is safe.
                _ if harmless && was_cut(&why) => return Err(ProxyError::Down(outgoing.service, why)),
                _ => return Err(self.fault(outgoing.service, why)),
            }
        }
    }

    /// One request to one instance. The time for the first byte of the answer runs
    /// from the end of the request's body.
    async fn attempt(
        &self,
        outgoing: &Outgoing,
        instance: &Instance,
        mut body: Upload,
    ) -> Result<Result<Response<Incoming>, Error>, ProxyError> {
        let uploaded = body.end();
        let request = self.client.request(outgoing.for_instance(&instance.base, body)?);
        let in_time = async {
            tokio::pin!(request);
            tokio::select! {
                answer = &mut request => return Ok(answer),
                () = uploaded => {}
            }
            timeout(self.limits.first_byte, request).await
        };
        let answer = in_time.await.map_err(|why| ProxyError::Slow(outgoing.service, why))?;
        if answer.as_ref().is_err_and(Error::is_connect) {
            instance.rest(Instant::now());
        }
        Ok(answer)
    }

    fn instances(&self, service: Service) -> impl Iterator<Item = &Instance> {
        self.instances.get(&service).into_iter().flat_map(|instances| instances.in_turn(Instant::now()))
    }

    fn fault(&self, service: Service, why: Error) -> ProxyError {
        match cause::<UploadFault>(&why) {
            Some(UploadFault::TooLarge) => ProxyError::TooLarge(self.limits.max_body),
            Some(UploadFault::Interrupted | UploadFault::Slow) => ProxyError::Interrupted,
            None if why.is_connect() => ProxyError::Down(service, why),
            None if was_cut(&why) => ProxyError::Lost(service, why),
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
