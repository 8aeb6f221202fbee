use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::CACHE_CONTROL,
    web::{Data, Query},
};
use identity::{Can, Verifier};
use problem::HttpError;
use serde::Deserialize;
use service_kit::{
    db::Db,
    http::{Credentialed, Queried},
};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::IntoParams;

use super::{ChangesError, Hub, rules::Snapshot, store, stream::Watch};
use crate::permissions::ReadPreferences;

/// How many may watch at one process at once.
static PLACES: Semaphore = Semaphore::const_new(1000);

/// The query of [`watch_preferences`].
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WatchQuery {
    /// What `Last-Event-ID` would say, for who cannot send headers. The header wins.
    last_event_id: Option<String>,
}

/// Watches the caller's preferences, as server-sent events.
///
/// `event: changed` says that a document is another one, be it by the user, by the
/// organisation or by a new schema: `namespace` and the `etag` that it has now. Read it
/// anew. Several changes of one document may come as one notice, the last always comes.
/// A stream begins with `event: state`, the ETags of all documents; with `Last-Event-ID`
/// with notices of what is another one since that event, at any replica.
///
/// A stream ends when the credential does and when the process stops: come back with
/// `Last-Event-ID`, as browsers do by themselves.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "watch_preferences",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen"),
        WatchQuery,
    ),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream",
            example = "id: 745:745:\nevent: changed\ndata: {\"namespace\":\"appearance\",\"etag\":\"\\\"1.0.4\\\"\"}\n\n"),
        Credentialed, Queried
    ),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs/events")]
pub(crate) async fn watch_preferences(
    caller: Can<ReadPreferences>,
    query: Query<WatchQuery>,
    request: HttpRequest,
    db: Data<Db>,
    hub: Data<Hub>,
    verifier: Data<Verifier>,
) -> Result<HttpResponse, HttpError> {
    let since = last_event(&request, &query)?;
    let place = place()?;
    // Before it is read how all stands, so that nothing falls in between.
    let news = hub.watch(caller.org).await?;
    let who = (caller.org, caller.user);
    let standing = store::standing(&mut *db.connection().await?, who.0, who.1, since.as_ref()).await?;
    let credential = verifier.revocations().ended(&*caller);
    let watch = Watch::new(who, db, news, standing, since.is_some(), credential, place);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(watch.into_stream()))
}

fn place() -> Result<SemaphorePermit<'static>, ChangesError> {
    PLACES.try_acquire().ok().ok_or(ChangesError::TooManyWatchers)
}

/// The id of the last event that the client saw, if it saw any.
fn last_event(request: &HttpRequest, query: &WatchQuery) -> Result<Option<Snapshot>, ChangesError> {
    let header = request.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let id = header.or(query.last_event_id.as_deref()).filter(|id| !id.is_empty());
    id.map(|id| Snapshot::parse(id).ok_or(ChangesError::BadLastEvent)).transpose()
}
