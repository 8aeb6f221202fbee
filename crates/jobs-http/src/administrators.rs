//! All jobs of the service, whosever they are.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_jobs::{JobCount, JobCounts, JobDetails, JobPage, JobState, audited};
use idempotency::{Idempotency, Key, Keyed};
use identity::Can;
use ids::{JobId, OrgId};
use jobs::{Filter, Stored};
use problem::HttpError;
use serde::Deserialize;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Queried},
    page::PageQuery,
};
use utoipa::IntoParams;

use crate::{act, error::JobError, permissions::AdministerJobs};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "jobs";

/// The query of [`list_jobs`]; what is absent narrows nothing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only in this state.
    state: Option<JobState>,
    /// Only of this kind.
    #[param(example = "prefs.erase_user")]
    kind: Option<String>,
    /// Only of this organisation.
    org_id: Option<OrgId>,
    /// How many jobs at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists jobs, the latest first: those that wait, those that run, and for 30 days those
/// that ended.
#[utoipa::path(
    tag = "Jobs of the platform",
    operation_id = "list_{service}_jobs",
    params(ListQuery),
    responses((status = 200, description = "A page of jobs", body = JobPage), Credentialed, Queried),
    security(("bearer" = ["jobs:admin"]), ("api_key" = ["jobs:admin"]))
)]
#[get("")]
pub(crate) async fn list_jobs(
    _caller: Can<AdministerJobs>,
    query: Query<ListQuery>,
    db: Data<Db>,
) -> Result<Json<JobPage>, HttpError> {
    let ListQuery { state, kind, org_id, limit, cursor } = query.into_inner();
    let page = PageQuery { limit, cursor }.page(LIST)?;
    let kind = kind.as_deref().map(accept_kind).transpose()?;
    let filter = Filter { kind, state: state.map(JobState::name), org: org_id };
    let mut jobs = jobs::list(&db, filter, page).await?;
    let next_cursor = page.cut(LIST, &mut jobs, |job| job.id.uuid());
    Ok(Json(JobPage { data: jobs.into_iter().map(JobDetails::from).collect(), next_cursor }))
}

/// Counts the jobs that wait, run or failed for good, by kind and state, and says how long
/// the oldest has been due.
#[utoipa::path(
    tag = "Jobs of the platform",
    operation_id = "count_{service}_jobs",
    responses((status = 200, description = "How many there are", body = JobCounts), Credentialed),
    security(("bearer" = ["jobs:admin"]), ("api_key" = ["jobs:admin"]))
)]
#[get("/counts")]
pub(crate) async fn count_jobs(
    _caller: Can<AdministerJobs>,
    db: Data<Db>,
) -> Result<Json<JobCounts>, HttpError> {
    let data = jobs::counts(&db).await?.into_iter().map(JobCount::from).collect();
    Ok(Json(JobCounts { data }))
}

/// Reads all that is known of one job.
#[utoipa::path(
    tag = "Jobs of the platform",
    operation_id = "get_any_{service}_job",
    params(("id" = JobId, Path, description = "The job")),
    responses((status = 200, description = "The job as it stands", body = JobDetails), Credentialed, NotFound),
    security(("bearer" = ["jobs:admin"]), ("api_key" = ["jobs:admin"]))
)]
#[get("/{id}")]
pub(crate) async fn get_any_job(
    _caller: Can<AdministerJobs>,
    id: Path<JobId>,
    db: Data<Db>,
) -> Result<Json<JobDetails>, HttpError> {
    Ok(Json(act::find(&mut *db.connection().await?, None, *id).await?.into()))
}

/// Puts a job that was discarded or cancelled back into the queue, with all its attempts;
/// makes one that waits for its next attempt due now.
///
/// 409 otherwise: `job_not_retryable` says where it stands; `job_unique_taken` that another
/// does the same work already.
#[utoipa::path(
    tag = "Jobs of the platform",
    operation_id = "retry_any_{service}_job",
    params(Key, ("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, description = "It is in the queue", body = JobDetails),
        Credentialed, NotFound, Keyed
    ),
    security(("bearer" = ["jobs:admin"]), ("api_key" = ["jobs:admin"]))
)]
#[post("/{id}/retry")]
pub(crate) async fn retry_any_job(
    caller: Can<AdministerJobs>,
    origin: Origin,
    id: Path<JobId>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let job = act::retry(conn, *id).await?;
        audit::record(conn, &origin.caller(&caller), entry(audited::JOB_RETRIED, &job)).await?;
        Ok(HttpResponse::Ok().json(JobDetails::from(job)))
    })
    .await
}

/// Asks any job to end.
///
/// One that waits is over at once (200). One that runs ends within seconds (202), unless
/// it is done by then. One that is over stays as it is (409, `job_over`).
#[utoipa::path(
    tag = "Jobs of the platform",
    operation_id = "cancel_any_{service}_job",
    params(Key, ("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, description = "It is cancelled", body = JobDetails),
        (status = 202, description = "It runs, and was asked to end", body = JobDetails),
        Credentialed, NotFound, Keyed
    ),
    security(("bearer" = ["jobs:admin"]), ("api_key" = ["jobs:admin"]))
)]
#[post("/{id}/cancel")]
pub(crate) async fn cancel_any_job(
    caller: Can<AdministerJobs>,
    origin: Origin,
    id: Path<JobId>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let job = act::cancel(conn, None, *id).await?;
        audit::record(conn, &origin.caller(&caller), entry(audited::JOB_CANCELLED, &job)).await?;
        let job = JobDetails::from(job);
        Ok(act::cancelled(job.job.state, &job))
    })
    .await
}

/// What was done to a job, in its organisation's log if it has one.
fn entry(action: audit::Action, job: &Stored) -> Entry {
    let entry = Entry::of(action).on(job.id).with("kind", job.kind.as_str());
    match job.org_id {
        Some(org) => entry.in_org(org),
        None => entry,
    }
}

/// What no kind is made of never reaches the database, which takes no NUL.
fn accept_kind(kind: &str) -> Result<&str, JobError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if kind.bytes().all(plain) { Ok(kind) } else { Err(JobError::BadKind) }
}
