use actix_web::{
    HttpResponse, delete, get, post, put,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_webhook::{EventType, EventTypePage, EventTypeSays, NewEventType, audited};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{EventTypeError, platform, rules, store};
use crate::permissions::{ReadWebhooks, WriteWebhooks};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "webhook-event-types";

/// Lists the catalogue: what the platform tells, and the organisation's own types.
#[utoipa::path(
    tag = "Webhook event types",
    params(PageQuery),
    responses((status = 200, description = "A page of types", body = EventTypePage), Credentialed, Queried),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/event-types")]
pub(crate) async fn list_webhook_event_types(
    caller: Can<ReadWebhooks>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<EventTypePage>, HttpError> {
    let page = query.page(LIST)?;
    let mut own = store::list(&mut *db.connection().await?, caller.org, page).await?;
    let next_cursor = page.cut(LIST, &mut own, |row| row.id.uuid());
    let platforms = if page.after.is_none() { platform::all() } else { &[] };
    let data = platforms.iter().cloned().chain(own.into_iter().map(EventType::from)).collect();
    Ok(Json(EventTypePage { data, next_cursor }))
}

/// Registers a type. From now on the payload of each message of this type fits its schema.
#[utoipa::path(
    tag = "Webhook event types",
    params(idempotency::Key),
    request_body = NewEventType,
    responses((status = 201, description = "The type", body = EventType), Credentialed, Bodied, Keyed),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/event-types")]
pub(crate) async fn create_webhook_event_type(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    Strict(new): Strict<NewEventType>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let (by, name) = (origin.caller(&caller), new.name.clone());
    let says = new.says();
    rules::accept_name(&name)?;
    rules::accept(&says)?;
    once.run(&db, async |conn| {
        if store::count(conn, caller.org).await? >= rules::MOST {
            return Err(EventTypeError::TooMany(rules::MOST).into());
        }
        let made = store::insert(conn, (caller.org, &name), &says, Timestamp::now()).await?;
        let made = made.ok_or(EventTypeError::Taken)?;
        audit::record(conn, &by, Entry::of(audited::EVENT_TYPE_CREATED).on(&name)).await?;
        Ok(Created(made))
    })
    .await
}

/// Reads a type, the platform's or the organisation's own.
#[utoipa::path(
    tag = "Webhook event types",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The type", body = EventType), Credentialed, NotFound),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/event-types/{name}")]
pub(crate) async fn get_webhook_event_type(
    caller: Can<ReadWebhooks>,
    name: Path<String>,
    db: Data<Db>,
) -> Result<Json<EventType>, HttpError> {
    if let Some(found) = platform::find(&name) {
        return Ok(Json(found.clone()));
    }
    Ok(Json(store::find(&mut *db.connection().await?, caller.org, &name).await?))
}

/// Replaces what a type of the organisation's own says of itself. Messages that were accepted before
/// are sent as they are.
#[utoipa::path(
    tag = "Webhook event types",
    params(("name" = String, Path, description = "Its name")),
    request_body = EventTypeSays,
    responses((status = 200, description = "The type", body = EventType), Credentialed, Bodied, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[put("/api/v1/webhooks/event-types/{name}")]
pub(crate) async fn replace_webhook_event_type(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    name: Path<String>,
    Strict(says): Strict<EventTypeSays>,
    db: Data<Db>,
) -> Result<Json<EventType>, HttpError> {
    let by = origin.caller(&caller);
    rules::accept_name(&name)?;
    rules::accept(&says)?;
    let replaced = db.transaction(async |conn| {
        let replaced = store::update(conn, (caller.org, &name), &says, Timestamp::now()).await?;
        audit::record(conn, &by, Entry::of(audited::EVENT_TYPE_UPDATED).on(&name)).await?;
        Ok::<_, HttpError>(Json(replaced))
    });
    replaced.await
}

/// Deletes a type of the organisation's own: any payload will do for its messages.
#[utoipa::path(
    tag = "Webhook event types",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is gone"), Credentialed, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[delete("/api/v1/webhooks/event-types/{name}")]
pub(crate) async fn delete_webhook_event_type(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    name: Path<String>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let deleted = db.transaction(async |conn| {
        if !store::delete(conn, caller.org, &name).await? {
            return Err(HttpError::from(EventTypeError::Unknown));
        }
        audit::record(conn, &by, Entry::of(audited::EVENT_TYPE_DELETED).on(&name)).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    deleted.await
}
