use ids::{Id, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{NamespaceName, PreferenceDocument};

/// The kind of a namespace's id.
#[derive(Debug)]
pub enum NamespaceKind {}

impl Kind for NamespaceKind {
    const PREFIX: &'static str = "pns";
    const NAME: &'static str = "NamespaceId";
}

/// The id of a namespace; lists are ordered by it.
pub type NamespaceId = Id<NamespaceKind>;

/// A namespace as its administrator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceNamespace)]
pub struct Namespace {
    /// Its id.
    pub id: NamespaceId,
    /// Its name in paths.
    pub name: NamespaceName,
    /// Grows by one with every replacement.
    #[schema(example = 1)]
    pub version: i64,
    /// What it is for.
    pub description: String,
    /// The JSON Schema (2020-12) that every merged document fits.
    #[schema(value_type = Object)]
    pub schema: Value,
    /// What a user has who chose nothing.
    #[schema(value_type = Object)]
    pub defaults: PreferenceDocument,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last replaced.
    pub updated_at: Timestamp,
}

/// A namespace to register, or to put in the place of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = NewPreferenceNamespace, example = json!({
    "description": "How the user interface looks.",
    "schema": {
        "type": "object",
        "additionalProperties": false,
        "properties": {"theme": {"enum": ["system", "light", "dark"]}}
    },
    "defaults": {"theme": "system"}
}))]
#[serde(deny_unknown_fields)]
pub struct NewNamespace {
    /// What it is for; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// The JSON Schema (2020-12) of its documents: an object, closed to unknown keys.
    #[schema(value_type = Object, example = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {"theme": {"enum": ["system", "light", "dark"]}}
    }))]
    pub schema: Value,
    /// What a user has who chose nothing; fits the schema.
    #[schema(value_type = Object, example = json!({"theme": "system"}))]
    pub defaults: PreferenceDocument,
}

/// One page of the list of namespaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceNamespacePage)]
pub struct NamespacePage {
    /// The namespaces, oldest first.
    pub data: Vec<Namespace>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}
