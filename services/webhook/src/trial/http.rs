use actix_web::{
    post,
    web::{Data, Json, Path},
};
use contract_webhook::{EndpointId, MessageId, Trial};
use egress::Egress;
use identity::Can;
use ids::Timestamp;
use problem::{HttpError, Problem};
use sealing::Keyring;
use serde_json::json;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound},
};

use crate::{
    endpoint::{self, EndpointError, kind::Language},
    permissions::WriteWebhooks,
    secret,
    sending::{To, send},
};

/// Sends an endpoint a message of type `endpoint.test` now, whether it is enabled or not, and tells
/// what came of it. It is sent once; takes up to 15 seconds.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "The endpoint's id")),
    responses(
        (status = 200, description = "What came of it", body = Trial),
        (status = 409, description = "It is not posted to", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, NotFound
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints/{id}/test")]
pub(crate) async fn test_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    id: Path<EndpointId>,
    db: Data<Db>,
    egress: Data<Egress>,
    keyring: Data<Keyring>,
) -> Result<Json<Trial>, HttpError> {
    let (endpoint, url, headers, secrets) = {
        // Given back before the call: that may take long.
        let mut conn = db.connection().await?;
        let endpoint = endpoint::store::find(&mut conn, caller.org, *id).await?;
        let url = endpoint.url.clone().ok_or(EndpointError::Polled)?;
        let headers = endpoint::store::headers(&mut conn, caller.org, *id).await?;
        let headers = endpoint::headers::open(&keyring, *id, headers.as_deref())?;
        (endpoint, url, headers, secret::store::held(&mut conn, &keyring, (caller.org, *id)).await?)
    };
    let (message_id, now) = (MessageId::generate(), Timestamp::now());
    let body = json!({"type": "endpoint.test", "timestamp": now, "data": {"endpoint_id": endpoint.id}});
    let secrets = secrets.iter().map(|held| &held.secret);
    let language = Language { kind: endpoint.kind, posthog: endpoint.posthog };
    let to = To { url: &url, headers, language: &language };
    let outcome = send(&egress, to, (caller.org, message_id, body.to_string()), secrets, now).await?;
    Ok(Json(Trial {
        message_id,
        delivered: outcome.is_delivered(),
        status: outcome.status,
        error: outcome.error.map(str::to_owned),
        response: outcome.response,
        duration_ms: outcome.duration_ms,
    }))
}
