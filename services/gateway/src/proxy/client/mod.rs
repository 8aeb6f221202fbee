//! By which connection a request goes to an instance: hyper's client for what is encrypted,
//! HTTP/2 or to become a WebSocket, and for all else the ones that are [`kept`] here.

mod kept;
mod lease;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming},
    header::UPGRADE,
};
use hyper_util::{
    client::legacy::{self, Builder, Client, ResponseFuture},
    rt::{TokioExecutor, TokioTimer},
};

use self::{kept::Kept, lease::Exchange};

use super::{
    balance::Instance,
    body::Upload,
    connect::{Connector, Endpoints},
    encryption::{Encryption, Offer},
};
use crate::front::Live;

/// How long an unused connection is kept: shorter than the services keep theirs.
const IDLE: Duration = Duration::from_secs(60);

/// How much of one HTTP/2 answer may come before its client takes it, bytes.
const STREAM_WINDOW: u32 = 256 * 1024;

/// The same for all answers on a connection: the most there is, so that slow clients never
/// hold up those of others (RFC 9113 section 5.2).
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// How long an HTTP/2 connection on which requests wait may be silent, before it is asked
/// whether it is alive, and then until it has answered: one that is not would be given
/// request after request.
const SILENCE: Duration = Duration::from_secs(10);

/// How services are reached. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    pub(crate) endpoints: Endpoints,
    pub(crate) live: Live,
    pub(crate) encryption: Encryption,
}

/// The connections of one worker, which shares none.
#[derive(Debug)]
pub(super) struct Connections {
    kept: Kept,
    clients: Clients,
}

impl Connections {
    /// For the thread that it is called on.
    pub(super) fn new(ways: &Ways) -> Self {
        Self { kept: Kept::new(Arc::new(ways.clone())), clients: Clients::new(ways) }
    }

    /// Sends `request` to `instance`.
    pub(super) async fn request(
        &self,
        instance: &Arc<Instance>,
        request: Request<Upload>,
    ) -> Result<Response<Arriving>, SendError> {
        if instance.is_kept() && !request.headers().contains_key(UPGRADE) {
            return self.kept.request(instance, request).await;
        }
        let answer = self.clients.request(instance, request).await?;
        Ok(answer.map(Arriving::Driven))
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Arriving {
    /// Somebody drives its connection.
    Driven(Incoming),
    /// It brings its connection along.
    Kept(Exchange),
}

impl Arriving {
    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self {
            Self::Driven(body) => Pin::new(body).poll_frame(context),
            Self::Kept(body) => body.poll_frame(context),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// No connection was made.
    #[error("it cannot be connected to")]
    Connect(#[source] io::Error),
    /// The connection broke, or what came by it is no answer.
    #[error("there was no answer")]
    Exchange(#[from] hyper::Error),
    /// As hyper's client says.
    #[error(transparent)]
    Client(#[from] legacy::Error),
}

impl SendError {
    /// Whether no connection was made.
    pub(super) fn is_connect(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Exchange(_) => false,
            Self::Client(why) => why.is_connect(),
        }
    }
}

/// hyper's clients, by the protocol in which a request goes to an instance.
#[derive(Debug)]
pub(super) struct Clients {
    /// HTTP/2 where TLS agrees upon it, else HTTP/1.1.
    agreed: Client<Connector, Upload>,
    /// HTTP/2 without asking.
    http2: Client<Connector, Upload>,
    /// HTTP/1.1, which alone can become a WebSocket.
    http1: Client<Connector, Upload>,
}

impl Clients {
    /// Clients that keep their connections.
    fn new(ways: &Ways) -> Self {
        let mut builder = builder();
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).pool_max_idle_per_host(1024);
        Self::of(builder, ways)
    }

    /// Clients that connect for each request.
    pub(super) fn forgetful(ways: &Ways) -> Self {
        let mut builder = builder();
        builder.pool_max_idle_per_host(0);
        Self::of(builder, ways)
    }

    fn of(mut builder: Builder, ways: &Ways) -> Self {
        let ways = Arc::new(ways.clone());
        let connector = |offer| Connector { ways: Arc::clone(&ways), offer };
        let agreed = builder.build(connector(Offer::Both));
        let http1 = builder.build(connector(Offer::Http1));
        let http2 = builder.http2_only(true).build(connector(Offer::Both));
        Self { agreed, http2, http1 }
    }

    /// Sends `request` to `instance`.
    pub(super) fn request(&self, instance: &Instance, request: Request<Upload>) -> ResponseFuture {
        let client = if request.headers().contains_key(UPGRADE) {
            &self.http1
        } else if instance.http2 {
            &self.http2
        } else {
            &self.agreed
        };
        client.request(request)
    }
}

fn builder() -> Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(SILENCE)
        .http2_keep_alive_timeout(SILENCE);
    builder
}
