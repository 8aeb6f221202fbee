use std::{
    mem::replace,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
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
    began: Instant,
    size: BodySize,
}

impl Watched {
    pub(super) fn new(body: BoxBody, log: web::Data<AccessLog>, line: Line, began: Instant) -> Self {
        let size = body.size();
        Self { body, log, line, began, size }
    }

    fn sent(&mut self, bytes: usize) {
        self.line.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
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
            Poll::Ready(Some(Ok(chunk))) => self.sent(chunk.len()),
            Poll::Ready(None) => self.line.complete = true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn try_into_bytes(mut self) -> Result<Bytes, Self> {
        match replace(&mut self.body, BoxBody::new(())).try_into_bytes() {
            Ok(all) => {
                self.sent(all.len());
                self.line.complete = true;
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
        let whole = match self.size {
            BodySize::None => true,
            BodySize::Sized(length) => self.line.bytes >= length,
            BodySize::Stream => self.line.complete,
        };
        self.line.complete = whole;
        if let Err(why) = self.log.write(&self.line, self.began.elapsed()) {
            tracing::debug!(%why, "a line of the access log was left out");
        }
    }
}
