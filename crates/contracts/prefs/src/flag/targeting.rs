use ids::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::FlagKey;

/// A rule: who gets what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagRule {
    /// What people call it; at most 100 characters. Evaluations name it in their metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "beta testers")]
    pub name: Option<String>,
    /// Who it is for.
    pub when: FlagCondition,
    /// What they get.
    pub serve: FlagServe,
    /// It holds from this moment on; always by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// It holds until right before this moment; for ever by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A condition on the evaluation context. It is exactly one of: a test (`attribute`, `op`,
/// `value`), `all`, `any`, `not`, or `segment`. At most 5 levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"all": [
    {"attribute": "plan", "op": "in", "value": ["pro", "team"]},
    {"not": {"segment": "staff"}}
]}))]
#[serde(deny_unknown_fields)]
pub struct FlagCondition {
    /// Each of these holds; an empty list always does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub all: Option<Vec<FlagCondition>>,
    /// One of these holds at least; an empty list never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub any: Option<Vec<FlagCondition>>,
    /// This does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub not: Option<Box<FlagCondition>>,
    /// The condition of this segment holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<FlagKey>,
    /// The attribute of the context that is tested, `targetingKey` included; `a.b` is `b`
    /// within `a` unless there is an attribute `a.b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "plan")]
    pub attribute: Option<String>,
    /// How it is tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<FlagOperator>,
    /// Against what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!(["pro", "team"]))]
    pub value: Option<Value>,
}

/// How an attribute is tested. Of an absent attribute, or one of another type, no test
/// holds but `exists` with `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagOperator {
    /// It is the value: a text, a number or a truth value.
    Eq,
    /// It is another.
    Neq,
    /// It is one of the list; of an attribute that is a list itself, one of its items is.
    In,
    /// It is none of the list, and none of its items is.
    NotIn,
    /// The text has this text in it; the list has this item.
    Contains,
    /// The text begins so.
    StartsWith,
    /// The text ends so.
    EndsWith,
    /// The number is greater.
    Gt,
    /// The number is greater or equal.
    Gte,
    /// The number is less.
    Lt,
    /// The number is less or equal.
    Lte,
    /// The version (SemVer 2.0) has the same precedence.
    SemverEq,
    /// The version is newer.
    SemverGt,
    /// The version is newer or the same.
    SemverGte,
    /// The version is older.
    SemverLt,
    /// The version is older or the same.
    SemverLte,
    /// `true`: it is there and not null; `false`: it is not.
    Exists,
}

/// What is served: exactly one of `variant` and `split`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"split": [{"variant": "on", "percent": 25}, {"variant": "off", "percent": 75}]}))]
#[serde(deny_unknown_fields)]
pub struct FlagServe {
    /// This variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Each variant to a share of all targeting keys; the shares add up to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Vec<FlagShare>>,
}

/// A variant's share of all targeting keys.
///
/// A key keeps its place: who gets the first variant of a split still does after its share
/// has grown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagShare {
    /// Which.
    #[schema(example = "on")]
    pub variant: String,
    /// How much of 100, with at most three decimals.
    #[schema(example = 25)]
    pub percent: f64,
}

impl FlagServe {
    /// One variant for everybody.
    #[must_use]
    pub fn variant(name: &str) -> Self {
        Self { variant: Some(name.to_owned()), split: None }
    }

    /// Shares, in this order.
    #[must_use]
    pub fn split(shares: &[(&str, f64)]) -> Self {
        let share = |(variant, percent): &(&str, f64)| FlagShare {
            variant: (*variant).to_owned(),
            percent: *percent,
        };
        Self { variant: None, split: Some(shares.iter().map(share).collect()) }
    }
}

impl FlagCondition {
    /// A test of one attribute.
    #[must_use]
    pub fn test(attribute: &str, op: FlagOperator, value: Value) -> Self {
        Self { attribute: Some(attribute.to_owned()), op: Some(op), value: Some(value), ..Self::default() }
    }
}
