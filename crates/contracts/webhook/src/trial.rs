use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::MessageId;

/// What came of a message of type `endpoint.test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// Its `webhook-id`.
    pub message_id: MessageId,
    /// Whether the endpoint took it: it answered 2xx.
    pub delivered: bool,
    /// What it answered, if it did.
    #[schema(example = 204)]
    pub status: Option<i32>,
    /// Why there was no answer: `url_refused`, `name_not_resolved`, `connection_failed`, `tls_failed`,
    /// `timed_out`, `broken_answer`.
    pub error: Option<String>,
    /// The first KiB of its answer, as text.
    pub response: String,
    /// How long it took.
    pub duration_ms: i64,
}
