//! What is done to jobs, in the transaction of a request.

use actix_web::HttpResponse;
use contract_jobs::{Job, JobState};
use diesel_async::AsyncPgConnection;
use ids::{JobId, OrgId};
use jobs::{Cancelled, Replayed, Stored};
use serde::Serialize;

use crate::error::JobError;

/// One job; of `org` alone, if one is given.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    org: Option<OrgId>,
    id: JobId,
) -> Result<Stored, JobError> {
    jobs::find_in(conn, org, id).await?.ok_or(JobError::Unknown(id))
}

/// Asks a job to end, and gives it as it is then.
pub(crate) async fn cancel(
    conn: &mut AsyncPgConnection,
    org: Option<OrgId>,
    id: JobId,
) -> Result<Stored, JobError> {
    let cancelled = jobs::cancel_in(conn, org, id).await?;
    let job = find(conn, org, id).await?;
    match cancelled {
        Cancelled::Over | Cancelled::Asked => Ok(job),
        Cancelled::No => Err(JobError::Over(state(&job))),
    }
}

/// Puts a job back into the queue, and gives it as it is then.
pub(crate) async fn retry(conn: &mut AsyncPgConnection, id: JobId) -> Result<Stored, JobError> {
    let replayed = jobs::replay_in(conn, id).await?;
    let job = find(conn, None, id).await?;
    match replayed {
        Replayed::Yes => Ok(job),
        Replayed::Taken => Err(JobError::UniqueTaken),
        Replayed::No => Err(JobError::NotRetryable(state(&job))),
    }
}

/// 200 with a job that is over; 202 with one that still has to end.
pub(crate) fn cancelled(state: JobState, body: &impl Serialize) -> HttpResponse {
    if state.is_over() { HttpResponse::Ok().json(body) } else { HttpResponse::Accepted().json(body) }
}

fn state(job: &Stored) -> JobState {
    Job::from(job).state
}
