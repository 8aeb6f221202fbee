use ids::{OrgId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{NamespaceName, PreferenceDocument, PreferenceVersion};

/// All that is held of a user's preferences.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedPreferences {
    /// Every layer of overrides, with its history.
    pub documents: Vec<ExportedDocument>,
}

/// One layer of overrides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedDocument {
    /// In which organisation.
    pub org_id: OrgId,
    /// Which namespace.
    pub namespace: NamespaceName,
    /// Its version.
    #[schema(example = 3)]
    pub version: i64,
    /// What is overridden.
    #[schema(value_type = Object, example = json!({"theme": "dark"}))]
    pub overrides: PreferenceDocument,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// All versions that are kept, newest first.
    pub history: Vec<PreferenceVersion>,
}
