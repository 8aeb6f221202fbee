use contract_events::{Event, example_id};
use ids::{OrgId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ResourceId;

/// Something about an organisation is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationUpdated {
    /// Which.
    pub org_id: OrgId,
    /// `profile`, `owner`; others may be added.
    #[schema(example = "profile")]
    pub changed: String,
    /// Grows with every event of the organisation, its members' and resources' among them.
    #[schema(example = 2)]
    pub version: i64,
}

impl Event for OrganizationUpdated {
    const TYPE: &'static str = "organization.updated";
    const DESCRIPTION: &'static str = "An organisation's name, metadata or owner changed.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), changed: "profile".to_owned(), version: 2 }
    }
}

/// Somebody joined an organisation. Its first owner is in `organization.created`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipCreated {
    /// Which organisation.
    pub org_id: OrgId,
    /// Who.
    pub user_id: UserId,
    /// Their role in it.
    #[schema(example = "member")]
    pub role: String,
    /// Grows with every event of the organisation.
    #[schema(example = 3)]
    pub version: i64,
}

impl Event for MembershipCreated {
    const TYPE: &'static str = "membership.created";
    const DESCRIPTION: &'static str = "Somebody accepted an invitation to an organisation.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), user_id: example_id(), role: "member".to_owned(), version: 3 }
    }
}

/// A member has another role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipUpdated {
    /// Which organisation.
    pub org_id: OrgId,
    /// Who.
    pub user_id: UserId,
    /// Their role in it from now on.
    #[schema(example = "admin")]
    pub role: String,
    /// Grows with every event of the organisation.
    #[schema(example = 4)]
    pub version: i64,
}

impl Event for MembershipUpdated {
    const TYPE: &'static str = "membership.updated";
    const DESCRIPTION: &'static str = "A member of an organisation got another role.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), user_id: example_id(), role: "admin".to_owned(), version: 4 }
    }
}

/// Somebody is no member any more: whoever holds something of theirs in this organisation
/// erases it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipDeleted {
    /// Which organisation.
    pub org_id: OrgId,
    /// Who.
    pub user_id: UserId,
    /// Grows with every event of the organisation.
    #[schema(example = 5)]
    pub version: i64,
}

impl Event for MembershipDeleted {
    const TYPE: &'static str = "membership.deleted";
    const DESCRIPTION: &'static str = "Somebody left an organisation, was removed from it, or was deleted.";
    const PUBLIC: bool = true;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), user_id: example_id(), version: 5 }
    }
}

/// Who may use a resource is not what it was: what was kept of it is to be asked anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourcePermissionsChanged {
    /// Of which organisation.
    pub org_id: OrgId,
    /// Which resource.
    pub resource: ResourceId,
    /// Grows with every event of the organisation.
    #[schema(example = 6)]
    pub version: i64,
}

impl Event for ResourcePermissionsChanged {
    const TYPE: &'static str = "resource.permissions_changed";
    const DESCRIPTION: &'static str =
        "A resource was restricted, opened, or a member's leave for it changed.";
    const PUBLIC: bool = false;

    fn org(&self) -> Option<OrgId> {
        Some(self.org_id)
    }

    fn aggregate(&self) -> String {
        self.org_id.to_string()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn example() -> Self {
        Self { org_id: example_id(), resource: ResourceId::example(), version: 6 }
    }
}
