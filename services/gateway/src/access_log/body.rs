use std::{
    mem::replace,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web,
};
use bytes::Bytes;

use super::{AccessLog, Line};

/// The body of an answer; when it is dropped, sent or not, its line is written.
pub(super) struct Watched {
    body: BoxBody,
    log: web::Data<AccessLog>,
    line: Line,
    size: BodySize,
    /// Whether its end was reached.
    is_over: bool,
}

impl Watched {
    pub(super) fn new(body: BoxBody, log: web::Data<AccessLog>, line: Line) -> Self {
        let size = body.size();
        Self { body, log, line, size, is_over: false }
    }
}

impl MessageBody for Watched {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(chunk))) => self.line.sent(chunk.len()),
            Poll::Ready(None) => self.is_over = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn try_into_bytes(mut self) -> Result<Bytes, Self> {
        match replace(&mut self.body, BoxBody::new(())).try_into_bytes() {
            Ok(all) => {
                self.line.sent(all.len());
                self.is_over = true;
                Ok(all)
            }
            Err(body) => {
                self.body = body;
                Err(self)
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let is_whole = match self.size {
            BodySize::None => true,
            BodySize::Sized(length) => self.line.bytes() >= length,
            BodySize::Stream => self.is_over,
        };
        match self.line.ended(is_whole) {
            Ok(line) => self.log.0.add(line),
            Err(why) => tracing::warn!(%why, "a line of the access log cannot be written"),
        }
    }
}
