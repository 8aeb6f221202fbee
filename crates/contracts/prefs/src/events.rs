//! What prefs tells the other services.

use contract_events::{Event, EventType, example_id};
use ids::{OrgId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::NamespaceName;

/// All types of events that prefs publishes.
#[must_use]
pub fn catalogue() -> Vec<EventType> {
    vec![EventType::of::<PreferencesChanged>(), EventType::of::<OrganizationPreferencesChanged>()]
}

/// A user's overrides in one namespace were written or taken back. What they are now is
/// read with the user's own token: an event tells no preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreferencesChanged {
    /// In which organisation.
    pub org_id: OrgId,
    /// Whose they are.
    pub user_id: UserId,
    /// Which of them.
    pub namespace: NamespaceName,
    /// The version of the document, as in its ETag; grows by one with every change.
    #[schema(example = 4)]
    pub version: i64,
}

impl Event for PreferencesChanged {
    const TYPE: &'static str = "prefs.changed";
    const DESCRIPTION: &'static str = "A user's preferences in one namespace were changed.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        format!("{}/{}/{}", self.org_id, self.user_id, self.namespace)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        let namespace = NamespaceName::example();
        Self { org_id: example_id(), user_id: example_id(), namespace, version: 4 }
    }
}

/// What an organisation chose for its members in one namespace, or locked, was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationPreferencesChanged {
    /// Whose it is.
    pub org_id: OrgId,
    /// Which of them.
    pub namespace: NamespaceName,
    /// The version of the organisation's layer; grows by one with every change.
    #[schema(example = 2)]
    pub version: i64,
}

impl Event for OrganizationPreferencesChanged {
    const TYPE: &'static str = "prefs.organization_changed";
    const DESCRIPTION: &'static str = "What an organisation chose in one namespace was changed.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        format!("{}/{}", self.org_id, self.namespace)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), namespace: NamespaceName::example(), version: 2 }
    }
}
