use ids::{EventId, OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Event;

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Envelope {
    /// Its own id, the same however often it is sent.
    pub id: EventId,
    /// Its type: `user.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose it is; absent for the platform's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// What it is about; events of one aggregate arrive in order.
    pub aggregate: String,
    /// The version of the aggregate after the fact.
    pub version: i64,
    /// When it was published.
    pub occurred_at: Timestamp,
    /// The fact, as the publisher's contract types it.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl Envelope {
    /// The fact.
    ///
    /// # Errors
    /// When it is none of this type's shape.
    pub fn read<E: Event>(&self) -> serde_json::Result<E> {
        E::deserialize(&self.data)
    }
}

/// What a relay pushes: `POST` to [`inbox_path`](crate::inbox_path).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Batch {
    /// In the order of the publisher's log.
    pub events: Vec<Envelope>,
}

/// What the receiver made of a batch; all of it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// How many were new and have a handler here.
    pub accepted: usize,
}
