use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Bytes, Data, Json, Path, Payload, Query},
};
use contract_webhook::{ReceivedHook, ReceivedId, ReceivedPage, Scheme, SourceId, events::HookReceived};
use diesel_async::AsyncPgConnection;
use identity::Can;
use ids::Timestamp;
use problem::{HttpError, Problem};
use sealing::Keyring;
use serde_json::{Value, json};
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Overloaded, Queried},
    page::PageQuery,
};

use super::{
    error::InboundError,
    reading::{Said, read},
    scheme::{Posted, verify},
    store,
};
use crate::{
    message,
    permissions::WriteWebhooks,
    source::{self, SourceError},
};

/// The largest body, bytes.
const LARGEST: usize = 1024 * 1024;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Names the list, so that cursors of others are refused.
const LIST: &str = "webhook-received";

/// Takes what a provider posts. It is verified as it came, by the source's scheme; kept, once for each id
/// of the provider's; and told on as the event `hook.received`, in one transaction.
#[utoipa::path(
    tag = "Webhook sources",
    params(("source" = SourceId, Path, description = "The source's id")),
    request_body(content = Object, description = "JSON or a form, as the provider sends it"),
    responses(
        (status = 200, description = "It is kept", body = ReceivedHook),
        (status = 401, description = "Nothing shows that the provider sent it", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "It is too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is no event", body = Problem, content_type = "application/problem+json"),
        NotFound, Overloaded
    )
)]
#[post("/api/v1/hooks/{source}")]
pub(crate) async fn receive_hook(
    request: HttpRequest,
    id: Path<SourceId>,
    body: Payload,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<HttpResponse, HttpError> {
    // The connection is given back before the body is waited for.
    let source = source::store::named(&mut *db.connection().await?, *id).await?;
    let body = whole(body).await?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let posted = Posted { header: &header, body: &body };
    let (scheme, hmac) = (source.scheme()?, source.hmac());
    let keys = keys(&keyring, &source, scheme)?;
    let now = Timestamp::now();
    verify(scheme, hmac.as_ref(), &keys, posted, now).map_err(InboundError::from)?;
    let said = read(scheme, hmac.as_ref(), posted).map_err(InboundError::from)?;
    if let Some(challenge) = challenge(scheme, &said) {
        return Ok(HttpResponse::Ok().json(json!({"challenge": challenge})));
    }
    let kept = db.transaction(async |conn| keep(conn, &source, scheme, &said, now).await).await?;
    Ok(HttpResponse::Ok().json(kept))
}

/// Lists what came from a source, the latest first.
#[utoipa::path(
    tag = "Webhook sources",
    params(("id" = SourceId, Path, description = "The source's id"), PageQuery),
    responses(
        (status = 200, description = "A page of what came", body = ReceivedPage),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[get("/api/v1/webhooks/sources/{id}/received")]
pub(crate) async fn list_webhook_received(
    caller: Can<WriteWebhooks>,
    id: Path<SourceId>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<ReceivedPage>, HttpError> {
    let page = query.page(LIST)?;
    let mut conn = db.connection().await?;
    let source = source::store::find(&mut conn, caller.org, *id).await?;
    let mut data = store::list(&mut conn, (caller.org, source.id), page).await?;
    let next_cursor = page.cut(LIST, &mut data, |received| received.id.uuid());
    Ok(Json(ReceivedPage { data, next_cursor }))
}

async fn whole(body: Payload) -> Result<Bytes, InboundError> {
    let body = tokio::time::timeout(PATIENCE, body.to_bytes_limited(LARGEST)).await;
    let body = body.map_err(|_elapsed| InboundError::Incomplete)?;
    body.map_err(|_limit| InboundError::TooLarge(LARGEST))?.map_err(|_why| InboundError::Incomplete)
}

/// What may sign: the source's secret, and the one before for a while.
fn keys(keyring: &Keyring, source: &source::store::Row, scheme: Scheme) -> Result<Vec<Vec<u8>>, SourceError> {
    let sealed = std::iter::once(&source.sealed).chain(&source.retiring);
    let key = |sealed: &Vec<u8>| {
        let text = source::secret::open(keyring, source.id, sealed)?;
        source::secret::key(scheme, &text).ok_or(SourceError::Broken)
    };
    sealed.map(key).collect()
}

/// What Slack wants to hear back when a URL is entered there ("url_verification").
fn challenge(scheme: Scheme, said: &Said) -> Option<&str> {
    let is_one = scheme == Scheme::Slack && said.value.get("type")? == "url_verification";
    said.value.get("challenge").and_then(Value::as_str).filter(|_| is_one)
}

/// Keeps what was posted and tells it on, unless it had come before.
async fn keep(
    conn: &mut AsyncPgConnection,
    source: &source::store::Row,
    scheme: Scheme,
    said: &Said,
    now: Timestamp,
) -> Result<ReceivedHook, InboundError> {
    let (org_id, source_id, received_id) = (source.org_id, source.id, ReceivedId::generate());
    let Some(version) = store::insert(conn, (org_id, source_id, received_id), said, now).await? else {
        let event_id = said.event_id.as_deref().unwrap_or_default();
        let first = store::first(conn, (org_id, source_id), event_id).await?;
        // Deleted in between, with its source.
        let id = first.ok_or(SourceError::Unknown)?;
        return Ok(ReceivedHook { id, duplicate: true });
    };
    let (event_id, event_type) = (said.event_id.clone(), said.event_type.clone());
    let event = HookReceived { org_id, source_id, received_id, scheme, event_id, event_type, version };
    message::publish_with(conn, &event, &said.payload).await?;
    Ok(ReceivedHook { id: received_id, duplicate: false })
}
