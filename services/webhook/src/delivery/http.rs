use actix_web::{
    get,
    web::{Data, Json, Path, Query},
};
use contract_webhook::{EndpointDeliveryPage, EndpointId};
use identity::Can;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Queried},
    page::PageQuery,
};

use super::store;
use crate::{endpoint, permissions::ReadWebhooks};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "webhook-deliveries";

/// Lists what goes to an endpoint and how far it is, the latest messages first.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "The endpoint's id"), PageQuery),
    responses(
        (status = 200, description = "A page of deliveries", body = EndpointDeliveryPage),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/endpoints/{id}/deliveries")]
pub(crate) async fn list_webhook_deliveries(
    caller: Can<ReadWebhooks>,
    id: Path<EndpointId>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<EndpointDeliveryPage>, HttpError> {
    let page = query.page(LIST)?;
    let mut conn = db.connection().await?;
    let endpoint = endpoint::store::find(&mut conn, caller.org, *id).await?;
    let mut data = store::list(&mut conn, (caller.org, endpoint.id), page).await?;
    let next_cursor = page.cut(LIST, &mut data, |delivery| delivery.message_id.uuid());
    Ok(Json(EndpointDeliveryPage { data, next_cursor }))
}
