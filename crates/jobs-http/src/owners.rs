//! A job as the members of its organisation see it. Others', and the platform's own, are
//! not there for them.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path},
};
use contract_jobs::Job;
use idempotency::{Idempotency, Key, Keyed};
use identity::Can;
use ids::JobId;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound},
};

use crate::{
    act,
    permissions::{ReadJobs, WriteJobs},
};

/// Reads one job of the caller's organisation.
#[utoipa::path(
    tag = "Jobs",
    operation_id = "get_{service}_job",
    params(("id" = JobId, Path, description = "The job")),
    responses((status = 200, description = "The job as it stands", body = Job), Credentialed, NotFound),
    security(("bearer" = ["jobs:read"]), ("api_key" = ["jobs:read"]))
)]
#[get("/{id}")]
pub(crate) async fn get_job(
    caller: Can<ReadJobs>,
    id: Path<JobId>,
    db: Data<Db>,
) -> Result<Json<Job>, HttpError> {
    let found = act::find(&mut *db.connection().await?, Some(caller.org), *id).await?;
    Ok(Json(Job::from(&found)))
}

/// Asks a job of the caller's organisation to end.
///
/// One that waits is over at once (200). One that runs ends within seconds (202), unless
/// it is done by then. One that is over stays as it is (409, `job_over`).
#[utoipa::path(
    tag = "Jobs",
    operation_id = "cancel_{service}_job",
    params(Key, ("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, description = "It is cancelled", body = Job),
        (status = 202, description = "It runs, and was asked to end", body = Job),
        Credentialed, NotFound, Keyed
    ),
    security(("bearer" = ["jobs:write"]), ("api_key" = ["jobs:write"]))
)]
#[post("/{id}/cancel")]
pub(crate) async fn cancel_job(
    caller: Can<WriteJobs>,
    id: Path<JobId>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let job = Job::from(&act::cancel(conn, Some(caller.org), *id).await?);
        Ok(act::cancelled(job.state, &job))
    })
    .await
}
