//! Feature flags: what teams define, and what providers ask (OFREP).

mod evaluation;
mod experiment;
mod key;
mod segment;
mod targeting;

pub use evaluation::{
    BulkEvaluation, Evaluation, EvaluationFailure, EvaluationReason, EvaluationRequest, FLAGS_ENVIRONMENT,
    FlagErrorCode, FlagEvaluation,
};
pub use experiment::{
    Conversion, Experiment, ExperimentId, ExperimentKind, ExperimentPage, ExperimentResults, ExperimentState,
    Exposure, MetricResult, NewExperiment, VariantResult,
};
pub use key::{FlagKey, NotAKey};
pub use segment::{
    FlagEnvironment, FlagEnvironments, NewFlagEnvironment, NewSegment, Segment, SegmentId, SegmentKind,
    SegmentPage,
};
pub use targeting::{FlagCondition, FlagOperator, FlagRule, FlagServe, FlagShare};

use std::collections::BTreeMap;

use ids::{Id, Kind, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The kind of a flag's id.
#[derive(Debug)]
pub enum FlagKind {}

impl Kind for FlagKind {
    const PREFIX: &'static str = "flag";
    const NAME: &'static str = "FlagId";
}

/// The id of a flag; lists are ordered by it.
pub type FlagId = Id<FlagKind>;

/// The type of all values of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagType {
    /// `true` or `false`.
    Boolean,
    /// A text.
    String,
    /// A number, whole or not.
    Number,
    /// A JSON object.
    Object,
}

/// What a flag says: its values, and who gets which in every environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "key": "new-checkout",
    "name": "New checkout",
    "type": "boolean",
    "variants": {"on": true, "off": false},
    "default_variant": "off",
    "off_variant": "off",
    "environments": {"production": {"enabled": true, "rules": [{
        "name": "beta testers",
        "when": {"attribute": "plan", "op": "eq", "value": "beta"},
        "serve": {"variant": "on"}
    }], "otherwise": {"split": [{"variant": "on", "percent": 25}, {"variant": "off", "percent": 75}]}}}
}))]
#[serde(deny_unknown_fields)]
pub struct FlagDefinition {
    /// What code calls it. A POST needs it; in a PUT it is the path's or left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<FlagKey>,
    /// What people call it; at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub name: String,
    /// What it is for; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: String,
    /// The type of all its values; never changes.
    #[serde(rename = "type")]
    pub kind: FlagType,
    /// The values by their names, 1 to 50.
    #[schema(value_type = BTreeMap<String, Object>)]
    pub variants: BTreeMap<String, Value>,
    /// What is served where it is enabled and no rule says otherwise.
    pub default_variant: String,
    /// What is served where it is not enabled.
    pub off_variant: String,
    /// What holds in each environment. In one that is not here the flag is not enabled.
    #[serde(default)]
    pub environments: BTreeMap<FlagKey, FlagInEnvironment>,
    /// What decides who is in which share, together with the targeting key; at most 100
    /// characters. By default made once and kept. Flags with the same salt split alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub salt: Option<String>,
}

/// What a flag says in one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagInEnvironment {
    /// Whether the rules count. If not, everybody gets the off variant.
    #[serde(default)]
    pub enabled: bool,
    /// The rules, at most 100; the first that holds decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<FlagRule>,
    /// What is served when no rule holds; the default variant, unless this says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<FlagServe>,
}

/// A flag as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Flag {
    /// Its id.
    pub id: FlagId,
    /// Grows by one with every change; its ETag.
    #[schema(example = 3)]
    pub version: i64,
    /// Whether it was archived: then it is evaluated no more.
    pub archived: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub definition: FlagDefinition,
}

/// One page of the list of flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlagPage {
    /// The flags, oldest first.
    pub data: Vec<Flag>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// What was done to a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagChange {
    /// It was made.
    Created,
    /// It was replaced.
    Updated,
    /// It was archived.
    Archived,
    /// An earlier version was brought back.
    Restored,
}

/// A version that a flag has or had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlagVersion {
    /// Which.
    #[schema(example = 2)]
    pub version: i64,
    /// What was done.
    pub change: FlagChange,
    /// By whom.
    pub changed_by: UserId,
    /// When.
    pub changed_at: Timestamp,
    /// What it said from then on.
    pub definition: FlagDefinition,
}

/// The versions of a flag, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlagHistory {
    /// The newest 100 at most.
    pub data: Vec<FlagVersion>,
}

/// Which version of a flag is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagRestore {
    /// One of its history.
    #[schema(example = 2)]
    pub version: i64,
}
