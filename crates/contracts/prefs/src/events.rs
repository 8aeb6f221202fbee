//! What prefs tells the other services.

use contract_events::{Event, EventType, example_id};
use ids::{OrgId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ExperimentId, ExperimentState, FlagChange, FlagId, FlagKey, NamespaceName, SegmentId};

/// All types of events that prefs publishes.
#[must_use]
pub fn catalogue() -> Vec<EventType> {
    vec![
        EventType::of::<PreferencesChanged>(),
        EventType::of::<OrganizationPreferencesChanged>(),
        EventType::of::<FlagChanged>(),
        EventType::of::<SegmentChanged>(),
        EventType::of::<ExperimentChanged>(),
    ]
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

/// A feature flag was made, changed, archived or brought back. What it says is read with a
/// token of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlagChanged {
    /// Whose it is.
    pub org_id: OrgId,
    /// Which.
    pub flag_id: FlagId,
    /// What code calls it.
    pub key: FlagKey,
    /// What was done.
    pub change: FlagChange,
    /// The version of the flag, as in its ETag; grows by one with every change.
    #[schema(example = 3)]
    pub version: i64,
}

impl Event for FlagChanged {
    const TYPE: &'static str = "flag.changed";
    const DESCRIPTION: &'static str = "A feature flag was made, changed, archived or restored.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.flag_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        let (key, change) = (FlagKey::example(), FlagChange::Updated);
        Self { org_id: example_id(), flag_id: example_id(), key, change, version: 3 }
    }
}

/// A segment was written or deleted: the flags that name it serve other people now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SegmentChanged {
    /// Whose it is.
    pub org_id: OrgId,
    /// Which.
    pub segment_id: SegmentId,
    /// What rules call it.
    pub key: FlagKey,
    /// Whether it is gone.
    pub deleted: bool,
    /// Grows with every change.
    #[schema(example = 7)]
    pub version: i64,
}

impl Event for SegmentChanged {
    const TYPE: &'static str = "flag_segment.changed";
    const DESCRIPTION: &'static str = "A segment of feature flags was written or deleted.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.segment_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        let key = FlagKey::example();
        Self { org_id: example_id(), segment_id: example_id(), key, deleted: false, version: 7 }
    }
}

/// An experiment was planned, started or stopped. Exposures are not told: there are too
/// many; results are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentChanged {
    /// Whose it is.
    pub org_id: OrgId,
    /// Which.
    pub experiment_id: ExperimentId,
    /// On which flag.
    pub flag: FlagKey,
    /// How far it is now.
    pub state: ExperimentState,
    /// 1 as a draft, 2 while it runs, 3 when it is over.
    #[schema(example = 2)]
    pub version: i64,
}

impl Event for ExperimentChanged {
    const TYPE: &'static str = "experiment.changed";
    const DESCRIPTION: &'static str = "An experiment was planned, started or stopped.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.experiment_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        let (flag, state) = (FlagKey::example(), ExperimentState::Running);
        Self { org_id: example_id(), experiment_id: example_id(), flag, state, version: 2 }
    }
}
