//! Calls instances of services, on connections that are kept and within time limits.

use std::time::Duration;

use hyper::{HeaderMap, Method, Request, Response, body::Incoming, header::UPGRADE};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::{TokioExecutor, TokioTimer},
};
use service_discovery::Service;
use tokio::time::{error::Elapsed, timeout};

use super::{
    ProxyError,
    balance::{Balance, Chosen, Pool, Verdict},
    body::{Download, Upload, UploadFault},
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
    pub(super) balance: Balance,
    pub(super) limits: Limits,
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
    pub(crate) fn new(balance: Balance, endpoints: Endpoints, limits: Limits) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1024)
            .build(Connector { endpoints, timeout: limits.connect });
        Self { client, balance, limits }
    }

    /// One request to one instance, and what that says about the instance.
    pub(super) async fn attempt(
        &self,
        pool: &Pool,
        chosen: Chosen,
        outgoing: &Outgoing,
        body: &Upload,
    ) -> Result<Response<Download>, ProxyError> {
        let answer = match self.exchange(&chosen.instance.base, outgoing, body).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(self.fault(outgoing.service, why)),
            Err(why) => Err(why),
        };
        if let Some(verdict) = Verdict::of(&answer) {
            pool.judge(&chosen, verdict);
        }
        answer.map(|answer| answer.map(|body| Download::new(body, chosen)))
    }

    /// The time for the first byte of the answer runs from the end of the request's body.
    async fn exchange(
        &self,
        base: &str,
        outgoing: &Outgoing,
        body: &Upload,
    ) -> Result<Result<Response<Incoming>, Error>, ProxyError> {
        let request = self.client.request(outgoing.for_instance(base, body.clone())?);
        let in_time = async {
            tokio::pin!(request);
            tokio::select! {
                answer = &mut request => return Ok(answer),
                () = body.end() => {}
            }
            timeout(self.limits.first_byte, request).await
        };
        in_time.await.map_err(|why: Elapsed| ProxyError::Slow(outgoing.service, why))
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
    /// Whether repeating it does nothing that sending it once would not.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Whether a second one may run beside it: not when each would open a WebSocket.
    pub(super) fn may_race(&self) -> bool {
        self.method == Method::GET && !self.headers.contains_key(UPGRADE)
    }

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
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    cause::<hyper::Error>(why).is_some_and(|why| why.is_incomplete_message() || why.is_canceled())
        || cause::<std::io::Error>(why)
            .is_some_and(|why| matches!(why.kind(), BrokenPipe | ConnectionAborted | ConnectionReset))
}
