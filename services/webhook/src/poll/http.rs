use actix_web::{
    HttpResponse, get,
    http::header::{CACHE_CONTROL, HeaderValue},
    web::{Data, Path, Query},
};
use contract_webhook::{EndpointId, MessageId, Polled, PolledMessage, Speaks};
use identity::Can;
use ids::Timestamp;
use problem::{HttpError, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Queried},
    page::{PageError, PageQuery, cursor, place},
};

use uuid::Uuid;

use super::store::{self, Offered, Place};
use crate::{
    endpoint::{self, EndpointError},
    message::MessageError,
    permissions::WriteWebhooks,
};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "webhook-poll";

/// Gives the messages of an endpoint of the kind `poll` that come after the cursor, in the order in which
/// they were committed; without one, all that are kept. What came before a cursor counts as delivered as
/// soon as that is shown: keep the last `next_cursor` once you have worked off its messages, and begin there.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "The endpoint's id"), PageQuery),
    responses(
        (status = 200, description = "The messages after the cursor", body = Polled),
        (status = 409, description = "Its messages are posted", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[get("/api/v1/webhooks/endpoints/{id}/poll")]
pub(crate) async fn poll_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    id: Path<EndpointId>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    // Its cursors are others than those of lists that are ordered by ids.
    let shown = query.cursor.as_deref().map(read).transpose()?;
    let page = PageQuery { limit: query.limit, cursor: None }.page(LIST)?;
    let (mut conn, whose) = (db.connection().await?, (caller.org, *id));
    if endpoint::store::find(&mut conn, caller.org, *id).await?.kind != Speaks::Poll {
        return Err(EndpointError::NotPolled.into());
    }
    if let Some(shown) = shown {
        store::acknowledge(&mut conn, whose, shown).await?;
    }
    let mut offered = store::offered(&mut conn, whose, shown, page.rows()).await?;
    let limit = usize::try_from(page.limit).unwrap_or_default();
    let has_more = offered.len() > limit;
    offered.truncate(limit);
    let last = offered.last().map(|last| Place { xid: last.xid, message: last.id }).or(shown);
    let data = offered.iter().map(message).collect::<Result<_, _>>()?;
    let polled = Polled { data, next_cursor: last.map(written), has_more };
    let never = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(HttpResponse::Ok().insert_header(never).json(polled))
}

fn message(offered: &Offered) -> Result<PolledMessage, MessageError> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "type")]
        event_type: String,
        timestamp: Timestamp,
        data: Box<RawValue>,
    }
    let Body { event_type, timestamp, data } = serde_json::from_str(&offered.body)?;
    Ok(PolledMessage { id: offered.id, event_type, timestamp, data })
}

fn written(place: Place) -> String {
    cursor(LIST, &[&place.xid.to_be_bytes()[..], place.message.uuid().as_bytes()].concat())
}

fn read(text: &str) -> Result<Place, PageError> {
    let bytes: [u8; 24] = place(LIST, text)?;
    let parts = bytes.split_first_chunk().zip(bytes.last_chunk());
    let ((xid, _), message) = parts.ok_or(PageError::Cursor)?;
    Ok(Place { xid: i64::from_be_bytes(*xid), message: MessageId::from_uuid(Uuid::from_bytes(*message)) })
}
