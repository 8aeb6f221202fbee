use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    /// By a user, everywhere; its name is in upper case: `RESELLER`.
    Platform,
    /// By a member, in one organisation; its name is in lower case: `member`.
    Organization,
}

impl RoleKind {
    /// The name, as JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Organization => "organization",
        }
    }
}

/// What a role permits. A token holds what its user's platform roles permit; of that, what
/// does not administer only as far as their role in the organisation permits it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Its name.
    #[schema(example = "auditor")]
    pub name: String,
    /// Where it is held.
    pub kind: RoleKind,
    /// What it is for.
    #[schema(example = "Reads everything of the organisation.")]
    pub description: String,
    /// What it permits, in alphabetical order.
    #[schema(example = json!(["auth:read", "auth:write", "orgs:read"]))]
    pub scopes: Vec<String>,
    /// Whether it belongs to Plinth and cannot be deleted.
    pub built_in: bool,
}

/// Every role, in the order of their names.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RoleList {
    /// The roles.
    pub data: Vec<Role>,
}

/// Makes a role, or says what it permits from now on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleDefinition {
    /// Where it is held; it agrees with the case of its name, and never changes.
    pub kind: RoleKind,
    /// What it is for.
    #[schema(example = "Reads everything of the organisation.", min_length = 1, max_length = 500)]
    pub description: String,
    /// What it permits, all of it.
    #[schema(example = json!(["auth:read", "auth:write", "orgs:read"]))]
    pub scopes: Vec<String>,
}

/// A scope that roles can permit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PermissionInfo {
    /// Its name.
    #[schema(example = "orgs:read")]
    pub scope: String,
    /// What it opens.
    #[schema(example = "Read organisations and their members.")]
    pub description: String,
    /// Whether it waits until the user's address is verified.
    pub sensitive: bool,
}

/// Every scope, in alphabetical order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PermissionList {
    /// The scopes.
    pub data: Vec<PermissionInfo>,
}
