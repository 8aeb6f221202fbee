use ids::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::MessageId;

/// Messages of an endpoint that is polled, in the order in which they were committed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Polled {
    /// The messages after the cursor, oldest first.
    pub data: Vec<PolledMessage>,
    /// From where to go on, also if there is nothing new: what came before it counts as delivered once it
    /// is shown. None, if there never was a message.
    pub next_cursor: Option<String>,
    /// Whether there is more already.
    pub has_more: bool,
}

/// A message as it would be posted, and its id.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PolledMessage {
    /// Its id: what `webhook-id` is elsewhere.
    pub id: MessageId,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "order.paid")]
    pub event_type: String,
    /// When.
    pub timestamp: Timestamp,
    /// What there is to say about it.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
}
