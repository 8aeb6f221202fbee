use ids::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::PreferenceDocument;

/// A version that a layer of overrides has, or had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreferenceVersion {
    /// Which: the last number of the ETag it had.
    #[schema(example = 3)]
    pub version: i64,
    /// What made it so.
    pub change: PreferenceChange,
    /// All that was overridden then.
    #[schema(value_type = Object, example = json!({"theme": "dark"}))]
    pub overrides: PreferenceDocument,
    /// What was locked then; empty but for an organisation.
    #[serde(default)]
    pub locks: Vec<String>,
    /// Who changed it; `null` when the platform did, for a new schema.
    pub changed_by: Option<UserId>,
    /// Who acted in their name, or the API key that was used; `null` for the user themselves.
    #[schema(example = "key_01h455vb4pex5vsknk084sn02q")]
    pub through: Option<String>,
    /// When.
    pub changed_at: Timestamp,
}

/// What made a version of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreferenceChange {
    /// All overrides were replaced.
    Replaced,
    /// Some were changed by a merge patch.
    Patched,
    /// All were taken back.
    Reset,
    /// An earlier version was put back.
    Restored,
    /// The locks were replaced.
    Locked,
    /// The platform led it to a new schema.
    Migrated,
    /// All was erased, with the history before it.
    Erased,
}

impl PreferenceChange {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Replaced,
        Self::Patched,
        Self::Reset,
        Self::Restored,
        Self::Locked,
        Self::Migrated,
        Self::Erased,
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Patched => "patched",
            Self::Reset => "reset",
            Self::Restored => "restored",
            Self::Locked => "locked",
            Self::Migrated => "migrated",
            Self::Erased => "erased",
        }
    }
}

/// One page of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreferenceHistory {
    /// The versions, newest first.
    pub data: Vec<PreferenceVersion>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Which version to put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RestorePreferences)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// A version out of the history.
    #[schema(example = 3, minimum = 1)]
    pub version: i64,
}
