//! What webhook tells the other services, and customers' other endpoints.

use contract_events::{Event, EventType, example_id};
use ids::OrgId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DisabledReason, EndpointId};

/// All types of events that webhook publishes.
#[must_use]
pub fn catalogue() -> Vec<EventType> {
    vec![EventType::of::<EndpointDisabled>()]
}

/// An endpoint was put off by itself: it gets nothing until somebody enables it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointDisabled {
    /// Whose it is.
    pub org_id: OrgId,
    /// Which.
    pub endpoint_id: EndpointId,
    /// Why.
    pub reason: DisabledReason,
    /// Grows with every event of the endpoint.
    #[schema(example = 1)]
    pub version: i64,
}

impl Event for EndpointDisabled {
    const TYPE: &'static str = "webhook_endpoint.disabled";
    const DESCRIPTION: &'static str =
        "An endpoint was put off: it answered 410, or nothing was delivered to it for five days.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.endpoint_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), endpoint_id: example_id(), reason: DisabledReason::Failing, version: 1 }
    }
}
