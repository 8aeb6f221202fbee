//! The value of a flag for a context.

use contract_prefs::{EvaluationReason as Reason, ExperimentId};
use ids::Timestamp;
use serde_json::{Map, Value};

use super::{
    CompiledFlag, Participation,
    compile::{Environment, Serve},
    condition::Segments,
};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) environment: &'a str,
    pub(crate) context: &'a Map<String, Value>,
    pub(crate) targeting_key: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome<'a> {
    pub(crate) variant: &'a str,
    pub(crate) value: &'a Value,
    pub(crate) reason: Reason,
    /// The rule that decided, if it has a name.
    pub(crate) rule: Option<&'a str>,
    /// The experiment that decided.
    pub(crate) experiment: Option<ExperimentId>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// A split was reached without a targeting key.
    TargetingKeyMissing,
    /// It serves a variant that it does not have: what was accepted never does.
    Broken,
}

impl CompiledFlag {
    /// The value for a context: of the first rule that holds, else of the experiment that
    /// runs, else what is served otherwise.
    pub(crate) fn evaluate<'a>(
        &'a self,
        asking: &Asking<'a>,
        segments: &Segments<'_>,
        running: Option<&'a Participation>,
    ) -> Result<Outcome<'a>, Unanswered> {
        let environment = self.environments.get(asking.environment).filter(|here| here.enabled);
        let Some(environment) = environment else {
            return self.outcome(&self.off_variant, Reason::Disabled, None, None);
        };
        let mut rules = environment.rules.iter();
        let rule = rules.find(|rule| rule.holds_at(asking.now) && rule.when.holds(asking.context, segments));
        if let Some(rule) = rule {
            let name = rule.name.as_deref();
            return self.serve(&rule.serve, asking, Reason::TargetingMatch, name);
        }
        // Without a targeting key one takes no part.
        if let (Some(running), Some(key)) = (running, asking.targeting_key)
            && let Some(variant) = running.of(asking.context, segments, key)
        {
            return self.outcome(variant, Reason::Split, None, Some(running.experiment));
        }
        let reason = if is_static(environment, running) { Reason::Static } else { Reason::Default };
        match &environment.otherwise {
            Some(serve) => self.serve(serve, asking, reason, None),
            None => self.outcome(&self.default_variant, reason, None, None),
        }
    }

    fn serve<'a>(
        &'a self,
        serve: &'a Serve,
        asking: &Asking<'a>,
        reason: Reason,
        rule: Option<&'a str>,
    ) -> Result<Outcome<'a>, Unanswered> {
        match serve {
            Serve::Variant(variant) => self.outcome(variant, reason, rule, None),
            Serve::Split(split) => {
                let key = asking.targeting_key.ok_or(Unanswered::TargetingKeyMissing)?;
                let variant = split.pick(&self.salt, key).ok_or(Unanswered::Broken)?;
                self.outcome(variant, Reason::Split, rule, None)
            }
        }
    }

    fn outcome<'a>(
        &'a self,
        variant: &'a str,
        reason: Reason,
        rule: Option<&'a str>,
        experiment: Option<ExperimentId>,
    ) -> Result<Outcome<'a>, Unanswered> {
        let value = self.variants.get(variant).ok_or(Unanswered::Broken)?;
        Ok(Outcome { variant, value, reason, rule, experiment })
    }
}

/// Whether everybody gets the same here.
fn is_static(environment: &Environment, running: Option<&Participation>) -> bool {
    environment.rules.is_empty() && running.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_prefs::{FlagDefinition, NewExperiment};
    use proptest::prelude::*;
    use serde_json::json;

    fn flag(here: Value) -> CompiledFlag {
        let written: FlagDefinition = serde_json::from_value(json!({
            "type": "string", "variants": {"a": "A", "b": "B", "off": "-"}, "salt": "salt",
            "default_variant": "a", "off_variant": "off", "environments": {"production": here},
        }))
        .unwrap();
        CompiledFlag::compile(&written, &|_| true).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds).unwrap()
    }

    type Answer = Result<(String, Reason), Unanswered>;

    fn ask(flag: &CompiledFlag, context: Value, now: i64, running: Option<&Participation>) -> Answer {
        let Value::Object(context) = context else { panic!("an object is wanted") };
        let targeting_key = context.get("targetingKey").and_then(Value::as_str);
        let asking = Asking { environment: "production", context: &context, targeting_key, now: at(now) };
        let outcome = flag.evaluate(&asking, &Segments::default(), running)?;
        Ok((outcome.variant.to_owned(), outcome.reason))
    }

    fn is(variant: &str, reason: Reason) -> Answer {
        Ok((variant.to_owned(), reason))
    }

    fn plan(traffic: f64) -> Participation {
        let plan: NewExperiment = serde_json::from_value(json!({
            "name": "x", "flag": "f", "metrics": ["m"], "traffic_percent": traffic,
            "split": [{"variant": "a", "percent": 50}, {"variant": "b", "percent": 50}],
            "when": {"attribute": "country", "op": "eq", "value": "NZ"},
        }))
        .unwrap();
        Participation::compile(ExperimentId::from_uuid(uuid::Uuid::nil()), &plan, |_| true, &|_| true)
            .unwrap()
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let when = |plan: &str| json!({"attribute": "plan", "op": "starts_with", "value": plan});
        let flag = flag(json!({"enabled": true, "rules": [
            {"when": when("pro"), "serve": {"variant": "b"}},
            {"when": when("p"), "serve": {"variant": "off"}},
        ]}));
        assert_eq!(ask(&flag, json!({"plan": "pro"}), 0, None), is("b", Reason::TargetingMatch));
        assert_eq!(ask(&flag, json!({"plan": "personal"}), 0, None), is("off", Reason::TargetingMatch));
        assert_eq!(ask(&flag, json!({"plan": "free"}), 0, None), is("a", Reason::Default));
        assert_eq!(ask(&flag, json!({}), 0, None), is("a", Reason::Default));
    }

    #[test]
    fn where_it_is_not_enabled_it_is_off() {
        assert_eq!(ask(&flag(json!({"enabled": true})), json!({}), 0, None), is("a", Reason::Static));
        let off = flag(json!({"rules": [{"when": {"all": []}, "serve": {"variant": "b"}}]}));
        assert_eq!(ask(&off, json!({}), 0, Some(&plan(100.0))), is("off", Reason::Disabled));
        let context = Map::new();
        let elsewhere = Asking { environment: "staging", context: &context, targeting_key: None, now: at(0) };
        let outcome = off.evaluate(&elsewhere, &Segments::default(), None).unwrap();
        assert_eq!((outcome.variant, outcome.reason), ("off", Reason::Disabled));
    }

    #[test]
    fn a_rule_holds_from_and_until() {
        let flag = flag(json!({"enabled": true, "rules": [{
            "when": {"all": []}, "serve": {"variant": "b"},
            "from": "1970-01-01T00:00:10.000Z", "until": "1970-01-01T00:00:20.000Z",
        }]}));
        for (now, wanted) in [(9, "a"), (10, "b"), (19, "b"), (20, "a")] {
            assert_eq!(ask(&flag, json!({}), now, None).unwrap().0, wanted, "{now}");
        }
    }

    #[test]
    fn a_split_needs_a_targeting_key() {
        let split = json!([{"variant": "a", "percent": 40}, {"variant": "b", "percent": 60}]);
        let flag = flag(json!({"enabled": true, "otherwise": {"split": split}}));
        assert_eq!(ask(&flag, json!({}), 0, None), Err(Unanswered::TargetingKeyMissing));
        let (_, reason) = ask(&flag, json!({"targetingKey": "ada"}), 0, None).unwrap();
        assert_eq!(reason, Reason::Split);
    }

    #[test]
    fn an_experiment_takes_whom_no_rule_catches() {
        let flag = flag(json!({"enabled": true, "rules": [
            {"when": {"attribute": "staff", "op": "eq", "value": true}, "serve": {"variant": "off"}},
        ]}));
        let (all, none) = (plan(100.0), plan(0.0));
        let context = |n: u32| json!({"targetingKey": format!("user-{n}"), "country": "NZ"});
        let seen: Vec<_> = (0..1_000).map(|n| ask(&flag, context(n), 0, Some(&all)).unwrap()).collect();
        assert!(seen.iter().all(|(_, reason)| *reason == Reason::Split));
        assert!(seen.iter().filter(|(variant, _)| variant == "b").count().abs_diff(500) < 95);
        assert_eq!(ask(&flag, context(1), 0, Some(&none)), is("a", Reason::Default));
        let elsewhere = json!({"targetingKey": "user-1", "country": "FR"});
        assert_eq!(ask(&flag, elsewhere, 0, Some(&all)), is("a", Reason::Default));
        assert_eq!(ask(&flag, json!({"country": "NZ"}), 0, Some(&all)), is("a", Reason::Default));
        let staff = json!({"targetingKey": "user-1", "country": "NZ", "staff": true});
        assert_eq!(ask(&flag, staff, 0, Some(&all)), is("off", Reason::TargetingMatch));
    }

    proptest! {
        #[test]
        fn a_larger_experiment_keeps_those_it_had(key in "\\PC{0,30}", one in 0..=100_u32, other in 0..=100_u32) {
            let (small, large) = (plan(f64::from(one.min(other))), plan(f64::from(one.max(other))));
            if let Some(variant) = small.assigned(&key) {
                prop_assert_eq!(large.assigned(&key), Some(variant));
            }
        }
    }
}
