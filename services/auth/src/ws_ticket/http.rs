use actix_web::{
    post,
    web::{Data, Json},
};
use contract_auth::WsTicket;
use identity::Principal;
use ids::Timestamp;
use problem::HttpError;
use sealing::Keyring;
use service_kit::{db::Db, http::Credentialed};

use super::act;
use crate::{
    one_time::{self, OneTimeError, Purpose},
    rights,
};

/// Gives a ticket that opens one WebSocket within 30 seconds, as `?ticket=`.
///
/// It is good for what the credential is good for, in the same organisation, and for no
/// more; so it needs no scope of its own.
#[utoipa::path(
    tag = "Sessions",
    responses((status = 200, description = "The ticket", body = WsTicket), Credentialed),
    security(("bearer" = []), ("api_key" = []))
)]
#[post("/api/v1/auth/ws-ticket")]
pub(crate) async fn create_ws_ticket(
    caller: Principal,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<Json<WsTicket>, HttpError> {
    let id = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            Ok::<_, HttpError>(act::make(connection, &caller, Timestamp::now()).await?)
        })
        .await?;
    let ticket = one_time::text(&keyring, Purpose::WebSocket, id).map_err(OneTimeError::from)?;
    let lifetime = Purpose::WebSocket.lifetime().as_secs();
    Ok(Json(WsTicket { ticket, expires_in: i64::try_from(lifetime).unwrap_or(i64::MAX) }))
}
