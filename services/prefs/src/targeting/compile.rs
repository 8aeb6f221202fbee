//! What people wrote, without faults and ready to be evaluated.

use std::collections::BTreeMap;

use contract_prefs::{
    ExperimentId, FlagDefinition, FlagInEnvironment, FlagRule, FlagServe, FlagType, NewExperiment,
};
use ids::Timestamp;
use problem::FieldError;
use serde_json::Value;

use super::{
    Split,
    condition::{Condition, Segments},
    split::{is_within, places},
};
use crate::namespace::rules::escape;

/// How many rules an environment has at most.
const MOST_RULES: usize = 100;

/// How many variants a flag has at most.
const MOST_VARIANTS: usize = 50;

/// The most characters of the name of a variant or a rule.
const LONGEST_NAME: usize = 100;

/// The faults of what was written, each with its JSON Pointer.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    pub(crate) fn add(&mut self, at: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError::new(at, code, detail));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_inner(self) -> Vec<FieldError> {
        self.0
    }
}

/// A flag that can be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct CompiledFlag {
    pub(super) variants: BTreeMap<String, Value>,
    pub(super) default_variant: String,
    pub(super) off_variant: String,
    pub(super) salt: String,
    pub(super) environments: BTreeMap<String, Environment>,
}

#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) enabled: bool,
    pub(super) rules: Vec<Rule>,
    pub(super) otherwise: Option<Serve>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: Option<String>,
    pub(super) when: Condition,
    pub(super) serve: Serve,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) enum Serve {
    Variant(String),
    Split(Split),
}

impl CompiledFlag {
    /// The flag, or all that is wrong with it. `segments` says which there are.
    pub(crate) fn compile(
        written: &FlagDefinition,
        segments: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        variants(written, &mut faults);
        let environments = written.environments.iter().filter_map(|(key, environment)| {
            let at = format!("/environments/{key}");
            let environment = Environment::compile(written, environment, segments, &at, &mut faults)?;
            Some((key.to_string(), environment))
        });
        let environments = environments.collect();
        if faults.count() > 0 {
            return Err(faults.into_inner());
        }
        Ok(Self {
            variants: written.variants.clone(),
            default_variant: written.default_variant.clone(),
            off_variant: written.off_variant.clone(),
            salt: written.salt.clone().unwrap_or_default(),
            environments,
        })
    }

    /// Whether a rule of it names this segment.
    pub(crate) fn names_segment(&self, key: &str) -> bool {
        let rules = self.environments.values().flat_map(|environment| &environment.rules);
        rules.flat_map(|rule| rule.when.segments()).any(|named| named == key)
    }

    /// Whether it says anything about this environment.
    pub(crate) fn names_environment(&self, key: &str) -> bool {
        self.environments.contains_key(key)
    }

    pub(crate) fn has_variant(&self, name: &str) -> bool {
        self.variants.contains_key(name)
    }
}

fn variants(written: &FlagDefinition, faults: &mut Faults) {
    let FlagDefinition { kind, variants, default_variant, off_variant, .. } = written;
    if variants.is_empty() || variants.len() > MOST_VARIANTS {
        faults.add("/variants", "bad_count", format!("1 to {MOST_VARIANTS} variants are wanted"));
    }
    for (name, value) in variants {
        let at = format!("/variants/{}", escape(name));
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            faults.add(at.clone(), "bad_name", format!("a name of 1 to {LONGEST_NAME} characters is wanted"));
        }
        let fits = match kind {
            FlagType::Boolean => value.is_boolean(),
            FlagType::String => value.is_string(),
            FlagType::Number => value.is_number(),
            FlagType::Object => value.is_object(),
        };
        if !fits {
            faults.add(at, "wrong_type", "a value of the flag's type is wanted");
        }
    }
    for (at, name) in [("/default_variant", default_variant), ("/off_variant", off_variant)] {
        if !variants.contains_key(name) {
            faults.add(at, "unknown_variant", "no variant is called so");
        }
    }
}

impl Environment {
    fn compile(
        flag: &FlagDefinition,
        written: &FlagInEnvironment,
        segments: &dyn Fn(&str) -> bool,
        at: &str,
        faults: &mut Faults,
    ) -> Option<Self> {
        if written.rules.len() > MOST_RULES {
            faults.add(format!("{at}/rules"), "too_many", format!("at most {MOST_RULES} rules are wanted"));
            return None;
        }
        let rules =
            written.rules.iter().enumerate().map(|(index, rule)| {
                Rule::compile(flag, rule, segments, &format!("{at}/rules/{index}"), faults)
            });
        let rules = rules.collect::<Vec<_>>().into_iter().collect::<Option<_>>();
        let otherwise = written.otherwise.as_ref();
        let otherwise =
            otherwise.map(|serve| Serve::compile(flag, serve, &format!("{at}/otherwise"), faults));
        let otherwise = match otherwise {
            Some(None) => return None,
            Some(Some(serve)) => Some(serve),
            None => None,
        };
        Some(Self { enabled: written.enabled, rules: rules?, otherwise })
    }
}

impl Rule {
    fn compile(
        flag: &FlagDefinition,
        written: &FlagRule,
        segments: &dyn Fn(&str) -> bool,
        at: &str,
        faults: &mut Faults,
    ) -> Option<Self> {
        let FlagRule { name, when, serve, from, until } = written;
        if name.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            faults.add(
                format!("{at}/name"),
                "too_long",
                format!("at most {LONGEST_NAME} characters are wanted"),
            );
        }
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            faults.add(format!("{at}/until"), "ends_before_it_begins", "a moment after `from` is wanted");
        }
        let when = Condition::compile(when, segments, &format!("{at}/when"), faults);
        let serve = Serve::compile(flag, serve, &format!("{at}/serve"), faults);
        Some(Self { name: name.clone(), when: when?, serve: serve?, from: *from, until: *until })
    }

    pub(super) fn holds_at(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

impl Serve {
    fn compile(flag: &FlagDefinition, written: &FlagServe, at: &str, faults: &mut Faults) -> Option<Self> {
        let is_known = |name: &str| flag.variants.contains_key(name);
        match written {
            FlagServe { variant: Some(name), split: None } if is_known(name) => {
                Some(Self::Variant(name.clone()))
            }
            FlagServe { variant: Some(_), split: None } => {
                faults.add(format!("{at}/variant"), "unknown_variant", "no variant is called so");
                None
            }
            FlagServe { variant: None, split: Some(shares) } => {
                Split::compile(shares, is_known, &format!("{at}/split"), faults).map(Self::Split)
            }
            _ => {
                faults.add(at, "bad_serve", "exactly one of `variant` and `split` is wanted");
                None
            }
        }
    }
}

/// Who takes part in an experiment, and with which variant.
#[derive(Clone, Debug)]
pub(crate) struct Participation {
    pub(crate) experiment: ExperimentId,
    split: Split,
    /// How many places take part.
    traffic: u32,
    when: Option<Condition>,
}

impl Participation {
    /// That of an experiment, or all that is wrong with it. `has_variant` says which
    /// variants the flag has.
    pub(crate) fn compile(
        experiment: ExperimentId,
        plan: &NewExperiment,
        has_variant: impl Fn(&str) -> bool,
        segments: &dyn Fn(&str) -> bool,
    ) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::default();
        let split = Split::compile(&plan.split, has_variant, "/split", &mut faults);
        let when = plan.when.as_ref();
        let when = when.and_then(|when| Condition::compile(when, segments, "/when", &mut faults));
        let traffic = places(plan.traffic_percent);
        if traffic.is_none() {
            let wanted = "0 to 100 with at most three decimals is wanted";
            faults.add("/traffic_percent", "bad_percentage", wanted);
        }
        match (split, traffic) {
            (Some(split), Some(traffic)) if faults.count() == 0 => {
                Ok(Self { experiment, split, traffic, when })
            }
            _ => Err(faults.into_inner()),
        }
    }

    /// The variant of a targeting key; `None` for one that takes no part. Its salt is the
    /// experiment's, so that two experiments have nothing to do with each other.
    pub(crate) fn assigned(&self, key: &str) -> Option<&str> {
        let salt = self.experiment.to_string();
        let is_in = is_within(self.traffic, &format!("{salt}.traffic"), key);
        is_in.then(|| self.split.pick(&salt, key)).flatten()
    }

    /// The same, if the context is of those who may take part.
    pub(super) fn of(
        &self,
        context: &serde_json::Map<String, Value>,
        segments: &Segments<'_>,
        key: &str,
    ) -> Option<&str> {
        let may = self.when.as_ref().is_none_or(|when| when.holds(context, segments));
        may.then(|| self.assigned(key)).flatten()
    }

    /// The variants that it compares.
    pub(crate) fn variants(&self) -> impl Iterator<Item = &str> {
        self.split.variants()
    }

    /// Whether it names this segment.
    pub(crate) fn names_segment(&self, key: &str) -> bool {
        self.when.as_ref().is_some_and(|when| when.segments().contains(&key))
    }
}
