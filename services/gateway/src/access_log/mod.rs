//! The access log: a line of JSON for every request that came as far as a route or the
//! proxy, written when the last byte of its answer is out.
//!
//! It has a writer of its own beside the log: a request waits neither for a disk nor for a
//! subscriber, and a line that finds no room is left out, as no request may wait for it.

mod body;
mod line;
mod writer;

pub(crate) use line::Passed;
pub(crate) use writer::AccessLog;
pub use writer::AccessLogTarget;

use std::time::Instant;

use actix_web::{
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use ids::Timestamp;

use body::Watched;
use line::Line;

/// Watches a request until the end of its answer.
pub(crate) async fn log<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(log) = request.app_data::<web::Data<AccessLog>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let (began, at) = (Instant::now(), Timestamp::now());
    let client = log.client(&request);
    let response = next.call(request).await?;
    let line = Line::of(&response, client, at);
    Ok(response.map_body(|_, body| BoxBody::new(Watched::new(body.boxed(), log, line, began))))
}
