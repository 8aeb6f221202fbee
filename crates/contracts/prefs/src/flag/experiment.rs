use ids::{Id, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FlagCondition, FlagKey, FlagShare};

/// The kind of an experiment's id.
#[derive(Debug)]
pub enum ExperimentKind {}

impl Kind for ExperimentKind {
    const PREFIX: &'static str = "xpt";
    const NAME: &'static str = "ExperimentId";
}

/// The id of an experiment; lists are ordered by it.
pub type ExperimentId = Id<ExperimentKind>;

/// An experiment to plan. It takes those whom no rule of the flag catches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "name": "Does the new checkout sell more?",
    "flag": "new-checkout",
    "environment": "production",
    "split": [{"variant": "off", "percent": 50}, {"variant": "on", "percent": 50}],
    "traffic_percent": 20,
    "metrics": ["purchase"]
}))]
#[serde(deny_unknown_fields)]
pub struct NewExperiment {
    /// What it asks; at most 200 characters.
    #[schema(max_length = 200)]
    pub name: String,
    /// The flag whose variants are compared.
    pub flag: FlagKey,
    /// Where it runs; `production` by default.
    #[serde(default = "production")]
    pub environment: FlagKey,
    /// The variants and their shares, 2 to 10; the first is what the others are held against.
    pub split: Vec<FlagShare>,
    /// How much of 100 takes part at all, with at most three decimals; everybody by default.
    #[serde(default = "everybody")]
    pub traffic_percent: f64,
    /// Who may take part; everybody by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<FlagCondition>,
    /// What is counted, 1 to 20 names.
    pub metrics: Vec<FlagKey>,
}

fn production() -> FlagKey {
    // A key by its shape.
    serde_json::from_str(r#""production""#).unwrap_or_else(|_never| FlagKey::example())
}

const fn everybody() -> f64 {
    100.0
}

/// How far an experiment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentState {
    /// It was planned: nobody takes part.
    Draft,
    /// It runs: who is evaluated takes part.
    Running,
    /// It is over, for good.
    Stopped,
}

/// An experiment as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Experiment {
    /// Its id, and the salt of its split.
    pub id: ExperimentId,
    /// How far it is.
    pub state: ExperimentState,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// What was planned.
    #[serde(flatten)]
    pub plan: NewExperiment,
}

/// One page of the list of experiments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentPage {
    /// The experiments, oldest first.
    pub data: Vec<Experiment>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Somebody saw a variant: what a client tells that has evaluated in bulk, since only it
/// knows what was shown. Evaluations of one flag are noted by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Where; `production` by default.
    #[serde(default = "production")]
    pub environment: FlagKey,
    /// Who. It is kept as a hash alone.
    #[schema(example = "user-1")]
    pub targeting_key: String,
    /// What was shown: the variant that the experiment has for this key.
    #[schema(example = "on")]
    pub variant: String,
}

/// Somebody did what an experiment counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// Which of the experiment's metrics.
    pub metric: FlagKey,
    /// Who. It is kept as a hash alone.
    #[schema(example = "user-1")]
    pub targeting_key: String,
    /// How much it was, if it is more than a yes; adds up. At most 1e15, up or down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 19.9)]
    pub value: Option<f64>,
}

/// What an experiment found so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExperimentResults {
    /// Every variant, in the order of the split.
    pub variants: Vec<VariantResult>,
    /// How likely shares at least as far from the plan are by chance (chi-squared test).
    /// Below 0.001 something is wrong with the assignment or its counting: trust nothing here.
    #[schema(example = 0.61)]
    pub sample_ratio_p_value: Option<f64>,
}

/// What is known of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VariantResult {
    /// Which.
    #[schema(example = "on")]
    pub variant: String,
    /// How many different targeting keys saw it.
    #[schema(example = 5021)]
    pub exposures: i64,
    /// Every metric, in the order of the plan.
    pub metrics: Vec<MetricResult>,
}

/// One metric of one variant. Only who saw the variant is counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricResult {
    /// Which.
    pub metric: FlagKey,
    /// How many different targeting keys did it.
    #[schema(example = 402)]
    pub conversions: i64,
    /// `conversions / exposures`.
    #[schema(example = 0.08)]
    pub rate: Option<f64>,
    /// The sum of all values.
    #[schema(example = 8012.5)]
    pub value: f64,
    /// By how much of the first variant's rate this one is higher: 0.1 is 10 % more.
    #[schema(example = 0.12)]
    pub uplift: Option<f64>,
    /// How likely a difference at least as large is by chance (two-proportion z-test,
    /// two-sided). Wait for a size of sample that was fixed beforehand: who looks every day
    /// finds something every day.
    #[schema(example = 0.03)]
    pub p_value: Option<f64>,
}
