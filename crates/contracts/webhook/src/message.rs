use ids::{Id, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::EndpointId;

/// The kind of a message's id.
#[derive(Debug)]
pub enum MessageKind {}

impl Kind for MessageKind {
    const PREFIX: &'static str = "msg";
    const NAME: &'static str = "MessageId";
}

/// The id of a message: its header `webhook-id`, the same in each attempt.
pub type MessageId = Id<MessageKind>;

/// The kind of an attempt's id.
#[derive(Debug)]
pub enum AttemptKind {}

impl Kind for AttemptKind {
    const PREFIX: &'static str = "att";
    const NAME: &'static str = "AttemptId";
}

/// The id of an attempt; lists are ordered by it.
pub type AttemptId = Id<AttemptKind>;

/// A message to send to the endpoints that get its type.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"event_type": "order.paid", "payload": {"order_id": "1042"}, "event_id": "paid-1042"}))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// What happened: words with full stops between them.
    #[schema(example = "order.paid", max_length = 128)]
    pub event_type: String,
    /// What there is to say about it: the member `data` of what is posted, as it is written here.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
    /// Its sender's own id: a second message with it is the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 256)]
    pub event_id: Option<String>,
}

/// Where a message is sent once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({}))]
#[serde(deny_unknown_fields)]
pub struct Resend {
    /// Only there, also if it did not go there before; to every endpoint that it went to and that is
    /// on, if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_id: Option<EndpointId>,
}

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageSummary {
    /// Its id: the header `webhook-id`.
    pub id: MessageId,
    /// What happened.
    #[schema(example = "order.paid")]
    pub event_type: String,
    /// Its sender's own id.
    pub event_id: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// One page of the list of messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessagePage {
    /// The messages, oldest first.
    pub data: Vec<MessageSummary>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// A message, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Its id: the header `webhook-id`.
    pub id: MessageId,
    /// What happened.
    #[schema(example = "order.paid")]
    pub event_type: String,
    /// Its sender's own id.
    pub event_id: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Where it goes: the endpoints that were on and got its type when it was accepted.
    pub deliveries: Vec<Delivery>,
}

/// A message on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Where it goes.
    pub endpoint_id: EndpointId,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: i32,
    /// When it is sent again, if the last attempt failed.
    pub next_attempt_at: Option<Timestamp>,
}

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is sent, or sent again.
    Pending,
    /// The endpoint answered 2xx.
    Delivered,
    /// It was sent as often as there are attempts, or the endpoint is gone for good (410).
    Failed,
    /// The endpoint was put off before it came.
    Skipped,
}

/// One time that a message was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Where it was sent.
    pub endpoint_id: EndpointId,
    /// What was answered, if anything was.
    #[schema(example = 204)]
    pub status: Option<i32>,
    /// Why there was no answer: `url_refused`, `name_not_resolved`, `connection_failed`, `tls_failed`,
    /// `timed_out`, `broken_answer`; `message_unfit`: it cannot be said as the endpoint's kind wants it.
    pub error: Option<String>,
    /// The first KiB of the answer, as text.
    pub response: String,
    /// How long it took.
    pub duration_ms: i64,
    /// When it ended.
    pub created_at: Timestamp,
}

/// One page of the list of attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptPage {
    /// The attempts, oldest first.
    pub data: Vec<Attempt>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}
