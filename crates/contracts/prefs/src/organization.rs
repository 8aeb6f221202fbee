use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::PreferenceDocument;

/// What an organisation chose in one namespace, for all its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationPreferences {
    /// What it overrides.
    #[schema(value_type = Object, example = json!({"theme": "dark"}))]
    pub overrides: PreferenceDocument,
    /// What a member has who chose nothing: the overrides over the defaults.
    #[schema(value_type = Object, example = json!({"theme": "dark", "density": "comfortable"}))]
    pub document: PreferenceDocument,
    /// What its members do not override, by its JSON Pointer.
    #[schema(example = json!(["/theme"]))]
    pub locks: Vec<String>,
}

/// The locks of an organisation in one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceLocks)]
#[serde(deny_unknown_fields)]
pub struct Locks {
    /// What members do not override, by its JSON Pointer (RFC 6901), with all below it; at
    /// most 100.
    #[schema(max_items = 100, example = json!(["/theme"]))]
    pub locks: Vec<String>,
}
