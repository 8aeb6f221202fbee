use std::{
    fmt,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming},
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::unconstrained};

use super::{Arriving, kept::Home};
use crate::proxy::body::Upload;

type Driver = http1::Connection<TokioIo<TcpStream>, Upload>;

/// A connection, which only whoever holds it drives.
pub(super) struct Lease {
    sender: http1::SendRequest<Upload>,
    /// None when it has ended.
    driver: Option<Box<Driver>>,
}

/// A request that got no answer.
pub(super) struct Failed {
    pub(super) why: hyper::Error,
    unsent: Option<Box<Request<Upload>>>,
}

impl Failed {
    /// The request, if nothing of it was sent.
    pub(super) fn unsent(self) -> Result<Request<Upload>, hyper::Error> {
        self.unsent.map(|request| *request).ok_or(self.why)
    }

    fn of(mut failed: TrySendError<Request<Upload>>) -> Self {
        let unsent = failed.take_message().map(Box::new);
        Self { why: failed.into_error(), unsent }
    }
}

impl Lease {
    pub(super) fn new(sender: http1::SendRequest<Upload>, driver: Driver) -> Self {
        Self { sender, driver: Some(Box::new(driver)) }
    }

    /// Whether a request can be sent.
    pub(super) fn is_free(&mut self) -> bool {
        // Whoever sends one by it waits for it; until then nobody does.
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Sends `request`, and drives the connection until the answer's head is there; whoever
    /// reads the body goes on with that.
    pub(super) async fn send(
        mut self,
        request: Request<Upload>,
        home: Home,
    ) -> Result<Response<Arriving>, Failed> {
        // It comes of driving alone, so nobody need be woken for it.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(request)));
        let answer = std::future::poll_fn(|context| {
            self.drive(context);
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        });
        let answer = answer.await.map_err(Failed::of)?;
        Ok(answer.map(|body| Arriving::Kept(Exchange { body, is_whole: false, lease: Some(self), home })))
    }

    /// Reads and writes what there is. Why it ended, the request or its body is told.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver.as_mut()).poll(context).is_ready()
        {
            self.driver = None;
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("is_open", &self.driver.is_some()).finish_non_exhaustive()
    }
}

/// The body of an answer, with the connection that it comes by. That is used again when the
/// whole of it has come.
#[derive(Debug)]
pub(in crate::proxy) struct Exchange {
    body: Incoming,
    /// Whether its end has come.
    is_whole: bool,
    lease: Option<Lease>,
    home: Home,
}

type Chunk = Option<Result<Frame<Bytes>, hyper::Error>>;

impl Exchange {
    pub(super) fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Chunk> {
        // Says that it is wanted; as above, nobody need be woken.
        if let Poll::Ready(frame) = self.poll_body(&mut Context::from_waker(Waker::noop())) {
            return Poll::Ready(frame);
        }
        if let Some(lease) = &mut self.lease {
            lease.drive(context);
        }
        self.poll_body(context)
    }

    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Chunk> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.is_whole |= matches!(frame, Poll::Ready(None));
        frame
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if (self.is_whole || self.body.is_end_stream())
            && let Some(lease) = self.lease.take()
        {
            self.home.take_back(lease);
        }
    }
}
