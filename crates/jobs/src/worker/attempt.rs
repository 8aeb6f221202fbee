//! One attempt at one job.

use std::{panic::AssertUnwindSafe, rc::Rc, time::Instant};

use futures_util::FutureExt;
use service_discovery::Context;
use tracing::Instrument;
use uuid::Uuid;

use super::board::{Board, Known};
use crate::{
    Done, Failure, Run,
    job::Remedy,
    store::{Claimed, Ending},
};

/// Runs the handler and says how it ended.
pub(super) async fn run(board: Rc<Board>, known: Rc<Known>, mut claimed: Claimed) {
    let (lease, kind) = (claimed.lease, &known.kind);
    if let Some(metrics) = &board.metrics {
        metrics.begun(kind, claimed.waited);
    }
    let began = Instant::now();
    let (ending, effect) = match attempt(&board, kind, &mut claimed).await {
        Ok(done) => ((!done.committed).then_some(Ending::Succeeded), done.effect),
        Err(mut failure) => (remedy(&board, &known, &failure), failure.effect.take()),
    };
    if let Some(metrics) = &board.metrics {
        metrics.ended(kind, ending.as_ref().map_or("succeeded", Ending::outcome), began.elapsed());
    }
    board.end(lease, ending, effect);
}

/// The handler, in the trace of the request that caused the job. A panic is a failure
/// like any other.
async fn attempt(board: &Board, kind: &str, claimed: &mut Claimed) -> Result<Done, Failure> {
    let span = tracing::info_span!("job", job = %claimed.id, kind, attempt = claimed.attempt);
    let context = context(claimed, &span);
    let payload = claimed.payload.take();
    let run = Run::new(board.db.clone(), claimed, board.handlers.policy(kind).is_kept);
    let handler = context.scope(board.handlers.run(kind, payload, run));
    let outcome = AssertUnwindSafe(handler).catch_unwind().instrument(span).await;
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(std::io::Error::other(format!("the handler panicked: {text}")).into())
    })
}

fn context(claimed: &mut Claimed, span: &tracing::Span) -> Context {
    let given = claimed.context.take().unwrap_or_default();
    let text = |name: &str| given.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let traceparent = observability::trace::enter(span, text("traceparent").as_deref());
    Context { request_id: text("request_id"), traceparent: Some(traceparent) }
}

/// What follows a failure; nothing, if the job is somebody else's by now.
pub(super) fn remedy(board: &Board, known: &Known, failure: &Failure) -> Option<Ending> {
    let Known { id, kind, attempt, max_attempts, .. } = known;
    let why = failure.told();
    let wait = match failure.remedy {
        Remedy::Lost => {
            tracing::warn!(job = %id, kind, "a job was taken over by another worker");
            return None;
        }
        Remedy::Discard => {
            tracing::error!(job = %id, kind, attempt, %why, "a job is given up");
            return Some(Ending::Discarded(why));
        }
        _ if attempt >= max_attempts => {
            tracing::error!(job = %id, kind, attempt, %why, "a job is given up after its last attempt");
            return Some(Ending::Discarded(why));
        }
        Remedy::RetryAfter(wait) => wait,
        Remedy::Retry => board.handlers.policy(kind).wait(u32::try_from(*attempt).unwrap_or(1), chance()),
    };
    tracing::warn!(job = %id, kind, attempt, %why, ?wait, "a job failed and is tried again");
    Some(Ending::Again { after: wait, why })
}

/// A number from 0 to 1, out of the random bits of a UUID.
fn chance() -> f64 {
    let (bits, _) = Uuid::new_v4().as_u64_pair();
    f64::from(u32::try_from(bits >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}
