use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The header that names the environment of an evaluation; `production` without it.
pub const FLAGS_ENVIRONMENT: &str = "Flags-Environment";

/// What a provider asks (OFREP): evaluate for this context. Other members are ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationRequest {
    /// About whom: `targetingKey`, and whatever rules test.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"targetingKey": "user-1", "plan": "pro"}))]
    pub context: Option<Map<String, Value>>,
}

/// Why a value is what it is (the OpenFeature specification's reasons).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EvaluationReason {
    /// It has no rules here: everybody gets it.
    Static,
    /// A rule for this context.
    TargetingMatch,
    /// A share of a split, or of an experiment.
    Split,
    /// There are rules, but none holds.
    Default,
    /// The flag is not enabled here.
    Disabled,
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FlagErrorCode {
    /// There is no such flag, or it is archived.
    FlagNotFound,
    /// The body cannot be read.
    ParseError,
    /// A split needs a `targetingKey`.
    TargetingKeyMissing,
    /// The context is no object, or its `targetingKey` no text.
    InvalidContext,
    /// Anything else, such as an environment that there is not.
    General,
}

/// A value for a context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OfrepEvaluation)]
pub struct Evaluation {
    /// The flag.
    #[schema(example = "new-checkout")]
    pub key: String,
    /// The value, of the flag's type.
    #[schema(value_type = Object, example = true)]
    pub value: Value,
    /// The value's name.
    #[schema(example = "on")]
    pub variant: String,
    /// Why.
    pub reason: EvaluationReason,
    /// `version` of the flag, `environment`, and where there is one the `rule` and the
    /// `experiment`.
    #[schema(value_type = BTreeMap<String, serde_json::Value>, example = json!({"version": 3, "environment": "production"}))]
    pub metadata: BTreeMap<String, Value>,
}

/// A flag that has no value for a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OfrepFailure)]
pub struct EvaluationFailure {
    /// The flag; of a bulk evaluation that fails as a whole, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "new-checkout")]
    pub key: Option<String>,
    /// Why, for a provider.
    #[serde(rename = "errorCode")]
    pub error_code: FlagErrorCode,
    /// Why, for a person.
    #[serde(rename = "errorDetails")]
    #[schema(example = "there is no flag of this key")]
    pub error_details: String,
}

/// One of a bulk evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OfrepFlag)]
#[serde(untagged)]
pub enum FlagEvaluation {
    /// A value.
    Value(Evaluation),
    /// None, and why.
    Failure(EvaluationFailure),
}

/// All flags for a context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = OfrepBulkEvaluation)]
pub struct BulkEvaluation {
    /// By their keys in order; those that are archived are left out.
    pub flags: Vec<FlagEvaluation>,
}
