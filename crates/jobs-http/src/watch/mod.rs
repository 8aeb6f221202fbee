//! The progress of a job as server-sent events (HTML Living Standard section 9.2).

mod hub;
mod stream;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::CACHE_CONTROL,
    web::{Data, Path, Query},
};
use contract_jobs::Job;
use identity::{Can, Verifier};
use ids::JobId;
use problem::HttpError;
use serde::Deserialize;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Queried, Readiness},
};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::IntoParams;

pub(crate) use hub::Hub;

use crate::{act, error::JobError, permissions::ReadJobs};
use stream::Watch;

/// How many may watch jobs of one process at once.
static PLACES: Semaphore = Semaphore::const_new(1000);

/// The query of [`watch_job`].
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WatchQuery {
    /// What `Last-Event-ID` would say, for who cannot send headers. The header wins.
    last_event_id: Option<String>,
}

/// Watches a job of the caller's organisation, as server-sent events.
///
/// Every event's `data` is the job as it stands; nobody is told every step, but everybody
/// the last one. `event: progress` while it waits or runs, `event: end` once it is over:
/// the last event of the stream. With `Last-Event-ID` it goes on behind that event, at any
/// replica; 204, at which browsers give up, says that nothing follows.
///
/// The stream also ends when the credential does and when the process stops: come back
/// with `Last-Event-ID`, as browsers do by themselves.
#[utoipa::path(
    tag = "Jobs",
    operation_id = "watch_{service}_job",
    params(
        ("id" = JobId, Path, description = "The job"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
        WatchQuery,
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream",
            example = "id: 7\nevent: progress\ndata: {\"state\": \"running\", \"progress\": {\"done\": 40}}\n\n"),
        (status = 204, description = "The job is over, and that was seen"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["jobs:read"]), ("api_key" = ["jobs:read"]))
)]
#[get("/{id}/events")]
#[expect(clippy::too_many_arguments, reason = "each says what a stream depends on")]
pub(crate) async fn watch_job(
    caller: Can<ReadJobs>,
    id: Path<JobId>,
    query: Query<WatchQuery>,
    request: HttpRequest,
    db: Data<Db>,
    hub: Data<Hub>,
    verifier: Data<Verifier>,
    readiness: Data<Readiness>,
) -> Result<HttpResponse, HttpError> {
    let seen = last_event(&request, &query)?;
    let found = act::find(&mut *db.connection().await?, Some(caller.org), *id).await?;
    // A number that lies ahead was lost in a crash of the database, or never was one: all is told anew.
    let seen = seen.filter(|seen| *seen <= found.progress_seq);
    if seen == Some(found.progress_seq) && Job::from(&found).state.is_over() {
        return Ok(HttpResponse::NoContent().finish());
    }
    let place = place()?;
    let news = hub::watch(&hub, &db, &readiness, found);
    let credential = verifier.revocations().ended(&*caller);
    let events = Watch::new(news, seen, credential, place).into_stream();
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(events))
}

fn place() -> Result<SemaphorePermit<'static>, JobError> {
    PLACES.try_acquire().ok().ok_or(JobError::TooManyWatchers)
}

/// The id of the last event that the client saw, if it saw any.
fn last_event(request: &HttpRequest, query: &WatchQuery) -> Result<Option<i64>, JobError> {
    let header = request.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let id = header.or(query.last_event_id.as_deref()).filter(|id| !id.is_empty());
    id.map(|id| id.parse().ok().ok_or(JobError::BadLastEvent)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn last(header: Option<&str>, query: Option<&str>) -> Option<Option<i64>> {
        let request = TestRequest::default();
        let request = match header {
            Some(id) => request.insert_header(("last-event-id", id)),
            None => request,
        };
        let query = WatchQuery { last_event_id: query.map(str::to_owned) };
        last_event(&request.to_http_request(), &query).ok()
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let all: Vec<_> = (0..1000).map(|_| place().unwrap()).collect();
        assert!(matches!(place(), Err(JobError::TooManyWatchers)));
        drop(all);
        assert!(place().is_ok());
    }

    #[test]
    fn the_last_event_is_the_headers_or_the_querys() {
        assert_eq!(last(None, None), Some(None));
        assert_eq!(last(Some("7"), Some("3")), Some(Some(7)));
        assert_eq!(last(None, Some("3")), Some(Some(3)));
        assert_eq!(last(Some(""), None), Some(None), "nothing was seen");
        for bad in ["x", "1.5", "7 ", "99999999999999999999"] {
            assert_eq!(last(Some(bad), None), None, "{bad}");
        }
    }
}
