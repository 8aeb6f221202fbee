use ids::{Id, Kind, Timestamp, UserId};
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
    /// What neither organisations nor users override, by its JSON Pointer.
    #[serde(default)]
    #[schema(example = json!(["/telemetry"]))]
    pub locks: Vec<String>,
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
    /// What neither organisations nor users override, by its JSON Pointer; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100, example = json!([]))]
    pub locks: Vec<String>,
    /// What leads the overrides that are stored to this version, in this order; at most 50.
    /// Only where a namespace is replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50, example = json!([{"op": "move", "from": "/colour", "path": "/theme"}]))]
    pub migration: Vec<MigrationStep>,
}

/// One step of a migration. A step that finds nothing at its place does nothing, since
/// most layers override little.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceMigrationStep)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum MigrationStep {
    /// Takes a value elsewhere, over what is there (RFC 6902 section 4.4); a lock goes along.
    Move {
        /// The JSON Pointer of where it is.
        #[schema(example = "/colour")]
        from: String,
        /// The JSON Pointer of where it goes; objects on the way are made.
        #[schema(example = "/theme")]
        path: String,
    },
    /// Takes a value away (RFC 6902 section 4.2), and its lock.
    Remove {
        /// The JSON Pointer of what goes.
        #[schema(example = "/wallpaper")]
        path: String,
    },
    /// Puts one value for another; others stay.
    Map {
        /// The JSON Pointer of the value.
        #[schema(example = "/theme")]
        path: String,
        /// What becomes what; at most 100.
        #[schema(max_items = 100)]
        values: Vec<MappedValue>,
    },
}

/// A value and what takes its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = MappedPreferenceValue, example = json!({"from": "night", "to": "dark"}))]
#[serde(deny_unknown_fields)]
pub struct MappedValue {
    /// What was.
    pub from: Value,
    /// What is.
    pub to: Value,
}

/// A version that a namespace has, or had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceNamespaceVersion)]
pub struct NamespaceVersion {
    /// Which.
    #[schema(example = 2)]
    pub version: i64,
    /// What it was for.
    pub description: String,
    /// Its JSON Schema.
    #[schema(value_type = Object)]
    pub schema: Value,
    /// Its defaults.
    #[schema(value_type = Object)]
    pub defaults: PreferenceDocument,
    /// Its locks.
    pub locks: Vec<String>,
    /// What led overrides to it from the version before.
    pub migration: Vec<MigrationStep>,
    /// Who made it; `null` where it came with the installation.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// One page of a namespace's versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreferenceNamespaceVersionPage)]
pub struct NamespaceVersionPage {
    /// The versions, newest first.
    pub data: Vec<NamespaceVersion>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
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
