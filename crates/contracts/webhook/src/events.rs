//! What webhook tells the other services, and customers' other endpoints.

use contract_events::{Event, EventType, example_id};
use ids::OrgId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DisabledReason, EndpointId, ReceivedId, Scheme, SourceId};

/// All types of events that webhook publishes.
#[must_use]
pub fn catalogue() -> Vec<EventType> {
    vec![EventType::of::<HookReceived>(), EventType::of::<EndpointDisabled>()]
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

/// A provider posted something to a source. What it said, customers are told besides, as `payload`; services
/// ask webhook for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookReceived {
    /// Whose source it is.
    pub org_id: OrgId,
    /// Which.
    pub source_id: SourceId,
    /// What it became.
    pub received_id: ReceivedId,
    /// How its provider signs.
    pub scheme: Scheme,
    /// The provider's own id of it, if it says one.
    #[schema(example = "evt_1NG8Du2eZvKYlo2CUI79vXWy")]
    pub event_id: Option<String>,
    /// What happened, as the provider calls it.
    #[schema(example = "invoice.paid")]
    pub event_type: Option<String>,
    /// Grows with everything that comes from the source.
    #[schema(example = 1)]
    pub version: i64,
}

impl Event for HookReceived {
    const TYPE: &'static str = "hook.received";
    const DESCRIPTION: &'static str = "A provider posted something to a source of the organisation.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.source_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self {
            org_id: example_id(),
            source_id: example_id(),
            received_id: example_id(),
            scheme: Scheme::Stripe,
            event_id: Some("evt_1NG8Du2eZvKYlo2CUI79vXWy".to_owned()),
            event_type: Some("invoice.paid".to_owned()),
            version: 1,
        }
    }
}
