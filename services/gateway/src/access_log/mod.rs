//! The access log: a line of JSON for every request that came as far as a route or the
//! proxy, written when the last byte of its answer is out.
//!
//! It has a writer of its own beside the log: a request waits neither for a disk nor for a
//! subscriber, and a line that finds no room is left out, as no request may wait for it.

mod body;
mod line;
mod writer;

pub(crate) use line::Passed;
pub use writer::AccessLogTarget;
pub(crate) use writer::Writer;

use std::{io, time::Instant};

use actix_web::{
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use ids::Timestamp;

use crate::front::Front;
use body::Watched;
use line::Line;
use writer::Lines;

/// What all workers write their lines by.
#[derive(Clone, Debug)]
pub(crate) struct AccessLog(Lines);

impl AccessLog {
    /// What writes to `target`, and what has all written when it is dropped; neither, if it
    /// is off.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) fn open(target: &AccessLogTarget) -> io::Result<Option<(Self, Writer)>> {
        Ok(Lines::open(target)?.map(|(lines, writer)| (Self(lines), writer)))
    }
}

/// Watches a request until the end of its answer.
pub(crate) async fn log<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let log = request.app_data::<web::Data<AccessLog>>().cloned();
    let Some((log, front)) = log.zip(Front::of(request.request())) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let began = (Timestamp::now(), Instant::now());
    let client = front.door.client(request.request());
    let response = next.call(request).await?;
    Ok(match Line::of(&response, client, began) {
        Ok(line) => response.map_body(|_, body| BoxBody::new(Watched::new(body.boxed(), log, line))),
        Err(why) => {
            tracing::warn!(%why, "a line of the access log cannot be written");
            response.map_into_boxed_body()
        }
    })
}
