use reqwest::Method;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Client, Secret,
    client::{Result, routes},
};

/// Opens one WebSocket: `wss://…/ws/…?ticket=…`. A browser cannot send a credential in a
/// header there, and a token in a URL would be kept in logs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WsTicket {
    /// Works once.
    #[schema(value_type = String, example = "plt_…")]
    pub ticket: Secret,
    /// How long it works, seconds.
    #[schema(example = 30)]
    pub expires_in: i64,
}

impl Client {
    /// A ticket for one WebSocket.
    ///
    /// # Errors
    /// A refusal, or no answer.
    pub async fn ws_ticket(&self, token: &Secret) -> Result<WsTicket> {
        self.json(self.with(token, Method::POST, routes::WS_TICKET)).await
    }
}
