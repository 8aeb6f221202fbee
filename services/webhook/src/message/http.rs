use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use contract_webhook::{AttemptPage, Message, MessageId, MessagePage, NewMessage, Resend};
use diesel_async::AsyncPgConnection;
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::{OrgId, Timestamp};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{
    MessageError, rules,
    store::{self, Accepted, Row},
};
use crate::{
    delivery, event_type,
    permissions::{ReadWebhooks, WriteWebhooks},
};

/// Name the lists, so that cursors of others are refused.
const LIST: &str = "webhook-messages";
const ATTEMPTS: &str = "webhook-attempts";

/// Lists the messages of the organisation, oldest first.
#[utoipa::path(
    tag = "Webhook messages",
    params(PageQuery),
    responses((status = 200, description = "A page of messages", body = MessagePage), Credentialed, Queried),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/messages")]
pub(crate) async fn list_webhook_messages(
    caller: Can<ReadWebhooks>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<MessagePage>, HttpError> {
    let page = query.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, caller.org, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |message| message.id.uuid());
    Ok(Json(MessagePage { data, next_cursor }))
}

/// Sends a message to every endpoint of the organisation that is on and gets its type. It is
/// accepted as soon as it is stored: nothing is lost from then on.
#[utoipa::path(
    tag = "Webhook messages",
    params(idempotency::Key),
    request_body = NewMessage,
    responses(
        (status = 202, description = "The message; the first one of its `event_id`", body = Message),
        Credentialed, Bodied, Keyed
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/messages")]
pub(crate) async fn send_webhook_message(
    caller: Can<WriteWebhooks>,
    Strict(new): Strict<NewMessage>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    rules::accept(&new)?;
    once.run(&db, async |conn| {
        let sent = send(conn, caller.org, &new, Timestamp::now()).await?;
        Ok(HttpResponse::Accepted().json(sent))
    })
    .await
}

/// Reads a message, and how far it is on its way to each endpoint.
#[utoipa::path(
    tag = "Webhook messages",
    params(("id" = MessageId, Path, description = "Its id")),
    responses((status = 200, description = "The message", body = Message), Credentialed, NotFound),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/messages/{id}")]
pub(crate) async fn get_webhook_message(
    caller: Can<ReadWebhooks>,
    id: Path<MessageId>,
    db: Data<Db>,
) -> Result<Json<Message>, HttpError> {
    let mut conn = db.connection().await?;
    let message = store::find(&mut conn, caller.org, *id).await?;
    let deliveries = store::deliveries(&mut conn, caller.org, *id).await?;
    Ok(Json(message.with(deliveries)))
}

/// Lists each time that a message was sent, oldest first.
#[utoipa::path(
    tag = "Webhook messages",
    params(("id" = MessageId, Path, description = "The message's id"), PageQuery),
    responses(
        (status = 200, description = "A page of attempts", body = AttemptPage),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/messages/{id}/attempts")]
pub(crate) async fn list_webhook_attempts(
    caller: Can<ReadWebhooks>,
    id: Path<MessageId>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<AttemptPage>, HttpError> {
    let page = query.page(ATTEMPTS)?;
    let mut conn = db.connection().await?;
    let message = store::find(&mut conn, caller.org, *id).await?;
    let mut data = store::attempts(&mut conn, (caller.org, message.id), page).await?;
    let next_cursor = page.cut(ATTEMPTS, &mut data, |attempt| attempt.id.uuid());
    Ok(Json(AttemptPage { data, next_cursor }))
}

/// Sends a message once more, to the endpoints that it went to or to the one that is named. It is
/// sent once; if that fails, what was to be sent again anyway still is.
#[utoipa::path(
    tag = "Webhook messages",
    params(("id" = MessageId, Path, description = "Its id"), idempotency::Key),
    request_body = Resend,
    responses(
        (status = 202, description = "It is on its way", body = Message), Credentialed, Bodied, NotFound, Keyed
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/messages/{id}/resend")]
pub(crate) async fn resend_webhook_message(
    caller: Can<WriteWebhooks>,
    id: Path<MessageId>,
    Strict(Resend { endpoint_id }): Strict<Resend>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |conn| {
        let message = store::find(conn, caller.org, *id).await?;
        delivery::repeat(conn, caller.org, *id, endpoint_id).await?;
        let deliveries = store::deliveries(conn, caller.org, *id).await?;
        Ok(HttpResponse::Accepted().json(message.with(deliveries)))
    })
    .await
}

/// Stores a message, and what sends it, in the caller's transaction; which is to be rolled back if it does
/// not fit.
pub(super) async fn send(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    new: &NewMessage,
    now: Timestamp,
) -> Result<Message, MessageError> {
    let message = Row::new(&new.event_type, new.event_id.as_deref(), rules::body(new, now)?, now);
    let Some(Accepted { candidates, enforced }) = store::accept(conn, org, &message).await? else {
        let event_id = new.event_id.as_deref().unwrap_or_default();
        let first = store::find_by_event_id(conn, org, event_id).await?;
        if !rules::is_same(&first.body, &message.body) {
            return Err(MessageError::EventIdReused);
        }
        let deliveries = store::deliveries(conn, org, first.id).await?;
        return Ok(first.with(deliveries));
    };
    if let Some(enforced) = enforced {
        let faults = event_type::misfits(conn, org, enforced, &new.payload).await?;
        if !faults.is_empty() {
            return Err(MessageError::Invalid(faults));
        }
    }
    let deliveries = delivery::begin(conn, (org, message.id), candidates, &new.payload).await?;
    Ok(message.with(deliveries))
}
