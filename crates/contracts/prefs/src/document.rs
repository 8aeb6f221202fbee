use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::NamespaceName;

/// A document of preferences: a JSON object.
pub type PreferenceDocument = serde_json::Map<String, serde_json::Value>;

/// All preferences of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preferences {
    /// The merged document of every namespace, by its name.
    #[schema(value_type = BTreeMap<NamespaceName, Object>,
        example = json!({"appearance": {"theme": "dark", "density": "comfortable", "font_size": 16}}))]
    pub preferences: BTreeMap<NamespaceName, PreferenceDocument>,
    /// The ETag of every document, for `If-Match`.
    #[schema(example = json!({"appearance": "\"1.0.3\""}))]
    pub etags: BTreeMap<NamespaceName, String>,
    /// Where each value comes from, by its JSON Pointer; only when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"appearance": {"/theme": "user", "/density": "system", "/font_size": "system"}}))]
    pub provenance: Option<BTreeMap<NamespaceName, BTreeMap<String, PreferenceSource>>>,
    /// What the caller cannot override, by its JSON Pointer; only when provenance is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!({"appearance": ["/theme"]}))]
    pub locked: Option<BTreeMap<NamespaceName, Vec<String>>>,
}

/// The layer that a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreferenceSource {
    /// The namespace's default.
    System,
    /// The organisation's choice for its members.
    Organization,
    /// The user's own choice.
    User,
}
