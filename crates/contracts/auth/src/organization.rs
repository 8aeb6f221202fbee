use ids::{OrgId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::account::present;

/// An organisation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organization {
    /// Which.
    pub id: OrgId,
    /// What people call it.
    #[schema(example = "Analytical Engines Ltd")]
    pub name: String,
    /// What URLs call it; no other organisation has it.
    #[schema(example = "analytical-engines")]
    pub slug: Option<String>,
    /// Whether it is somebody's own, which takes no members and goes with its person.
    pub personal: bool,
    /// Whatever the front end keeps about it; at most 16 KiB as JSON.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// The caller's role in it: `owner`, `admin`, `member`, `viewer`, or one that was made
    /// at run time.
    #[schema(example = "owner")]
    pub role: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A page of the caller's organisations, the latest made first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrganizationList {
    /// The organisations.
    pub data: Vec<Organization>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// Makes an organisation, which the caller owns.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// What people call it: 1 to 100 characters, and no link.
    #[schema(example = "Analytical Engines Ltd", min_length = 1, max_length = 100)]
    pub name: String,
    /// What URLs call it: 3 to 48 of `a-z`, `0-9`, and single hyphens between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "analytical-engines", min_length = 3, max_length = 48)]
    pub slug: Option<String>,
    /// Whatever the front end keeps about it; at most 16 KiB as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

/// Changes an organisation: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Difference Engines Ltd", min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What URLs call it; `null` gives it up.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "difference-engines", min_length = 3, max_length = 48)]
    pub slug: Option<Option<String>>,
    /// Replaces the metadata as a whole; at most 16 KiB as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

/// Somebody in an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// What to call the person.
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    /// Their address, for those who manage members; `null` for others.
    #[schema(example = "ada@example.com")]
    pub email: Option<String>,
    /// Their role in this organisation.
    #[schema(example = "member")]
    pub role: String,
    /// Since when.
    pub joined_at: Timestamp,
}

/// A page of members, in the order of their accounts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberList {
    /// The members.
    pub data: Vec<Member>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

/// Gives a member another role.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    /// The role; `owner` only comes by a transfer.
    #[schema(example = "admin")]
    pub role: String,
}

/// Hands an organisation over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The member who shall own it; who owned it becomes an `admin`.
    pub user_id: UserId,
}

/// Moves the caller's session to another organisation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchOrg {
    /// Where to: the caller is a member of it.
    pub org_id: OrgId,
}
