//! What may be planned, and what was found.

use std::collections::{BTreeMap, BTreeSet};

use contract_prefs::{ExperimentResults, MetricResult, NewExperiment, VariantResult};
use problem::FieldError;

use super::statistics::{chi_squared_p_value, two_proportions_p_value};
use crate::{
    evaluation::Snapshot, flag::rules::MOST_BYTES, flag_set::FlagError, namespace::rules::size,
    targeting::Participation,
};

/// How many experiments an organisation has at most.
pub(super) const MOST_EXPERIMENTS: i64 = 1_000;

/// Refuses a plan that makes no sense, or names what there is not; every fault at once.
pub(super) fn accept(plan: &NewExperiment, snapshot: &Snapshot) -> Result<(), FlagError> {
    if size(plan) > MOST_BYTES {
        return Err(FlagError::TooLarge { most: MOST_BYTES });
    }
    let mut faults = Vec::new();
    let mut add = |holds: bool, at: &str, code: &str, detail: &str| {
        if !holds {
            faults.push(FieldError::new(at, code, detail));
        }
    };
    let distinct = |names: BTreeSet<&str>, count: usize, least: usize, most: usize| {
        names.len() == count && (least..=most).contains(&count)
    };
    let variants = plan.split.iter().map(|share| share.variant.as_str()).collect();
    let metrics = plan.metrics.iter().map(|metric| metric.as_str()).collect();
    let name = plan.name.chars().count();
    add((1..=200).contains(&name), "/name", "bad_length", "1 to 200 characters are wanted");
    add(
        distinct(variants, plan.split.len(), 2, 10),
        "/split",
        "bad_count",
        "2 to 10 different variants are wanted",
    );
    add(
        distinct(metrics, plan.metrics.len(), 1, 20),
        "/metrics",
        "bad_count",
        "1 to 20 different metrics are wanted",
    );
    let known = snapshot.has_environment(plan.environment.as_str());
    add(known, "/environment", "unknown_environment", "there is no environment of this name");
    let flag = snapshot.flag(plan.flag.as_str());
    add(flag.is_some(), "/flag", "unknown_flag", "there is no such flag, or it is archived");
    if let Some(flag) = flag {
        let around = snapshot.surroundings();
        let segments = |key: &str| around.segments.contains(key);
        let id = contract_prefs::ExperimentId::from_uuid(uuid::Uuid::nil());
        let compiled = Participation::compile(id, plan, |name| flag.has_variant(name), &segments);
        faults.extend(compiled.err().into_iter().flatten());
    }
    if faults.is_empty() { Ok(()) } else { Err(FlagError::Invalid(faults)) }
}

/// The largest value of one conversion, up or down: what they add up to stays a number.
const MOST_VALUE: f64 = 1e15;

/// Refuses a value that sums would not survive.
pub(super) fn accept_value(value: Option<f64>) -> Result<(), FlagError> {
    let fits = value.is_none_or(|value| value.abs() <= MOST_VALUE);
    let refusal = || FlagError::field("/value", "out_of_range", "between -1e15 and 1e15 is wanted");
    fits.then_some(()).ok_or_else(refusal)
}

/// What was counted: how many saw each variant; how many of them did each thing, and how
/// much it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) exposures: BTreeMap<String, i64>,
    pub(super) conversions: BTreeMap<(String, String), (i64, f64)>,
}

/// The results in the order of the plan.
pub(super) fn results(plan: &NewExperiment, counts: &Counts) -> ExperimentResults {
    let exposures = |variant: &str| counts.exposures.get(variant).copied().unwrap_or_default();
    let conversions = |variant: &str, metric: &str| {
        let at = (variant.to_owned(), metric.to_owned());
        counts.conversions.get(&at).copied().unwrap_or_default()
    };
    let control = plan.split.first().map_or("", |share| share.variant.as_str());
    let metric_of = |variant: &str, metric: &contract_prefs::FlagKey| {
        let (count, value) = conversions(variant, metric.as_str());
        let (of, base) = (exposures(variant), (conversions(control, metric.as_str()).0, exposures(control)));
        let rate = share(count, of);
        let is_compared = variant != control;
        let uplift = rate.zip(share(base.0, base.1).filter(|rate| *rate > 0.0));
        MetricResult {
            metric: metric.clone(),
            conversions: count,
            rate,
            value,
            uplift: uplift.filter(|_| is_compared).map(|(rate, base)| rate / base - 1.0),
            p_value: is_compared.then(|| two_proportions_p_value((count, of), base)).flatten(),
        }
    };
    let variant = |share: &contract_prefs::FlagShare| VariantResult {
        variant: share.variant.clone(),
        exposures: exposures(&share.variant),
        metrics: plan.metrics.iter().map(|metric| metric_of(&share.variant, metric)).collect(),
    };
    let seen: Vec<_> =
        plan.split.iter().map(|share| (exposures(&share.variant), share.percent / 100.0)).collect();
    ExperimentResults {
        variants: plan.split.iter().map(variant).collect(),
        sample_ratio_p_value: chi_squared_p_value(&seen),
    }
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| super::statistics::real(part) / super::statistics::real(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn results_compare_with_the_first_variant() {
        let plan: NewExperiment = serde_json::from_value(json!({
            "name": "x", "flag": "f", "metrics": ["buy"],
            "split": [{"variant": "off", "percent": 50}, {"variant": "on", "percent": 50}],
        }))
        .unwrap();
        let pair = |variant: &str| (variant.to_owned(), "buy".to_owned());
        let counts = Counts {
            exposures: [("off".to_owned(), 1_000), ("on".to_owned(), 1_000)].into(),
            conversions: [(pair("off"), (100, 0.0)), (pair("on"), (130, 12.5))].into(),
        };
        let results = results(&plan, &counts);
        let [off, on] = &results.variants[..] else { panic!("two variants") };
        assert_eq!((off.exposures, off.metrics[0].rate), (1_000, Some(0.1)));
        assert_eq!((off.metrics[0].uplift, off.metrics[0].p_value), (None, None));
        let metric = &on.metrics[0];
        assert_eq!((metric.conversions, metric.rate, metric.value), (130, Some(0.13), 12.5));
        assert!((metric.uplift.unwrap() - 0.3).abs() < 1e-9, "{metric:?}");
        assert!((metric.p_value.unwrap() - 0.035_5).abs() < 0.000_5, "{metric:?}");
        assert_eq!(results.sample_ratio_p_value, Some(1.0));
        let nothing = super::results(&plan, &Counts::default());
        assert_eq!(nothing.variants[1].metrics[0].rate, None);
        assert_eq!((nothing.variants[1].metrics[0].p_value, nothing.sample_ratio_p_value), (None, None));
    }
}
