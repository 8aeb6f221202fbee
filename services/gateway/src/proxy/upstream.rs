//! Calls instances of services, on connections that are kept and within time limits.

use std::{sync::Arc, time::Duration};

use h2::Reason;
use hyper::{HeaderMap, Method, Request, Response, header::UPGRADE, http::uri::PathAndQuery};
use service_discovery::Service;
use tokio::time::{error::Elapsed, timeout};

use super::{
    ProxyError,
    balance::{Chosen, Instance, Pool, Verdict},
    body::{Download, Upload, UploadFault},
    client::{Arriving, Connections, SendError, Ways},
    error::cause,
};
use crate::{path::onward, settings::Limits};

/// The services as one worker reaches them; workers share no connection and no lock.
#[derive(Debug)]
pub(crate) struct Upstream {
    connections: Connections,
}

/// A request, ready to be sent to any instance.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) service: Service,
    pub(super) method: Method,
    /// The canonical path, and the query as it came.
    pub(super) target: PathAndQuery,
    pub(super) headers: HeaderMap,
}

impl Upstream {
    pub(crate) fn new(ways: &Ways) -> Self {
        Self { connections: Connections::new(ways) }
    }

    /// One request to one instance, and what that says about the instance.
    pub(super) async fn attempt(
        &self,
        limits: &Limits,
        pool: &Pool,
        chosen: Chosen,
        outgoing: &Outgoing,
        body: &Upload,
    ) -> Result<Response<Download>, ProxyError> {
        let answer = match self.exchange(limits.first_byte, &chosen.instance, outgoing, body).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(fault(limits, outgoing.service, why)),
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
        patience: Duration,
        instance: &Arc<Instance>,
        outgoing: &Outgoing,
        body: &Upload,
    ) -> Result<Result<Response<Arriving>, SendError>, ProxyError> {
        let request = self.connections.request(instance, outgoing.for_instance(instance, body.clone())?);
        let in_time = async {
            tokio::pin!(request);
            tokio::select! {
                answer = &mut request => return Ok(answer),
                () = body.end() => {}
            }
            timeout(patience, request).await
        };
        in_time.await.map_err(|why: Elapsed| ProxyError::Slow(outgoing.service, why))
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

    fn for_instance(&self, instance: &Instance, body: Upload) -> Result<Request<Upload>, ProxyError> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = onward(&instance.uri, &self.target)?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }
}

fn fault(limits: &Limits, service: Service, why: SendError) -> ProxyError {
    match cause::<UploadFault>(&why) {
        Some(UploadFault::TooLarge) => ProxyError::TooLarge(limits.max_body),
        Some(UploadFault::Interrupted | UploadFault::Slow) => ProxyError::Interrupted,
        None if why.is_connect() => ProxyError::Down(service, why),
        None if is_unprocessed(&why) => ProxyError::Unprocessed(service, why),
        None if was_cut(&why) => ProxyError::Lost(service, why),
        None => ProxyError::Broken(service, why),
    }
}

/// Whether the service itself says that it has done nothing of the request: by REFUSED_STREAM,
/// or by a GOAWAY that names an earlier one as its last (RFC 9113 sections 8.7 and 6.8). h2
/// gives that error to no request which may have been looked at.
fn is_unprocessed(why: &SendError) -> bool {
    cause::<h2::Error>(why).is_some_and(|why| {
        why.is_remote() && (why.is_go_away() || why.reason() == Some(Reason::REFUSED_STREAM))
    })
}

/// Whether the connection ended without a byte of an answer.
fn was_cut(why: &SendError) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    cause::<hyper::Error>(why).is_some_and(|why| why.is_incomplete_message() || why.is_canceled())
        || cause::<std::io::Error>(why).is_some_and(|why| {
            matches!(why.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        })
}
