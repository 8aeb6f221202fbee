//! What a flag may say.

use contract_prefs::{FlagDefinition, FlagType};
use problem::FieldError;

use super::Surroundings;
use crate::{
    flag_set::FlagError,
    namespace::rules::{depth, size},
    targeting::CompiledFlag,
};

/// How many flags an organisation has at most, archived ones included.
pub(crate) const MOST_FLAGS: i64 = 1_000;

/// The most bytes of a flag, as JSON.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// How deep a value may nest.
const DEEPEST_VALUE: usize = 16;

/// Refuses a flag that is too large, names what there is not, or makes no sense; every
/// fault at once.
pub(super) fn accept(new: &FlagDefinition, around: &Surroundings) -> Result<(), FlagError> {
    if size(new) > MOST_BYTES {
        return Err(FlagError::TooLarge { most: MOST_BYTES });
    }
    let mut faults = Vec::new();
    let texts = [
        ("/name", Some(&new.name), 100),
        ("/description", Some(&new.description), 500),
        ("/salt", new.salt.as_ref(), 100),
    ];
    for (at, text, most) in texts {
        if text.is_some_and(|text| text.chars().count() > most) {
            faults.push(FieldError::new(at, "too_long", format!("at most {most} characters are wanted")));
        }
    }
    if new.variants.values().any(|value| depth(value) > DEEPEST_VALUE) {
        faults.push(FieldError::new(
            "/variants",
            "too_deep",
            format!("at most {DEEPEST_VALUE} levels are wanted"),
        ));
    }
    for key in new.environments.keys().filter(|key| !around.environments.contains(key.as_str())) {
        let detail = "there is no environment of this name: add it first";
        faults.push(FieldError::new(format!("/environments/{key}"), "unknown_environment", detail));
    }
    let known = |segment: &str| around.segments.contains(segment);
    if let Err(found) = CompiledFlag::compile(new, &known) {
        faults.extend(found);
    }
    if faults.is_empty() { Ok(()) } else { Err(FlagError::Invalid(faults)) }
}

/// Refuses another type than the flag `had`: code that reads it relies on it.
pub(super) fn accept_type(had: FlagType, new: FlagType) -> Result<(), FlagError> {
    if had == new {
        return Ok(());
    }
    Err(FlagError::field("/type", "type_is_fixed", "the type of a flag never changes: make another flag"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn faults(patch: Value) -> Vec<(String, String)> {
        let mut flag = json!({
            "type": "boolean", "variants": {"on": true, "off": false},
            "default_variant": "on", "off_variant": "off", "environments": {},
        });
        flag.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let environments = ["production".to_owned()].into();
        let around = Surroundings { segments: ["staff".to_owned()].into(), environments };
        match accept(&serde_json::from_value(flag).unwrap(), &around) {
            Ok(()) => Vec::new(),
            Err(FlagError::Invalid(faults)) => faults.into_iter().map(|f| (f.pointer, f.code)).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    fn pair(pointer: &str, code: &str) -> Vec<(String, String)> {
        vec![(pointer.to_owned(), code.to_owned())]
    }

    #[test]
    fn a_flag_in_order_is_accepted() {
        let rules = json!([{"when": {"segment": "staff"}, "serve": {"variant": "on"}}]);
        assert_eq!(faults(json!({"environments": {"production": {"enabled": true, "rules": rules}}})), []);
    }

    #[test]
    fn every_fault_is_named_by_its_pointer() {
        let long = "x".repeat(501);
        let deep = (0..17).fold(json!({}), |inner, _| json!({"a": inner}));
        let at = "/environments/production";
        for (patch, wanted) in [
            (json!({"description": long}), pair("/description", "too_long")),
            (json!({"salt": long}), pair("/salt", "too_long")),
            (
                json!({"variants": {"on": true}, "off_variant": "on", "default_variant": "x"}),
                pair("/default_variant", "unknown_variant"),
            ),
            (json!({"variants": {"on": true, "off": 0}}), pair("/variants/off", "wrong_type")),
            (json!({"variants": {"on": true, "off": false, "": true}}), pair("/variants/", "bad_name")),
            (json!({"type": "object", "variants": {"on": deep, "off": {}}}), pair("/variants", "too_deep")),
            (json!({"environments": {"mars": {}}}), pair("/environments/mars", "unknown_environment")),
            (
                json!({"environments": {"production": {"otherwise": {}}}}),
                pair(&format!("{at}/otherwise"), "bad_serve"),
            ),
            (
                json!({"environments": {"production": {"otherwise": {"variant": "x"}}}}),
                pair(&format!("{at}/otherwise/variant"), "unknown_variant"),
            ),
            (
                json!({"environments": {"production": {"rules": [
                {"when": {"segment": "nobody"}, "serve": {"variant": "on"}}]}}}),
                pair(&format!("{at}/rules/0/when/segment"), "unknown_segment"),
            ),
            (
                json!({"environments": {"production": {"rules": [
                {"when": {"all": []}, "serve": {"split": [{"variant": "on", "percent": 99}]}}]}}}),
                pair(&format!("{at}/rules/0/serve/split"), "shares_do_not_add_up"),
            ),
            (
                json!({"environments": {"production": {"rules": [{"when": {"all": []}, "serve": {"variant": "on"},
                "from": "2026-01-02T00:00:00.000Z", "until": "2026-01-02T00:00:00.000Z"}]}}}),
                pair(&format!("{at}/rules/0/until"), "ends_before_it_begins"),
            ),
        ] {
            assert_eq!(faults(patch.clone()), wanted, "{patch}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        let rule = json!({"when": {"all": []}, "serve": {"variant": "on"}});
        let many = faults(json!({"environments": {"production": {"rules": vec![rule; 101]}}}));
        assert_eq!(many, pair("/environments/production/rules", "too_many"));
        let large = json!({
            "type": "string", "variants": {"on": "x".repeat(70_000)}, "default_variant": "on", "off_variant": "on",
        });
        let large = accept(&serde_json::from_value(large).unwrap(), &Surroundings::default());
        assert!(matches!(large, Err(FlagError::TooLarge { .. })));
    }

    #[test]
    fn the_type_is_for_ever() {
        assert!(accept_type(FlagType::Boolean, FlagType::Boolean).is_ok());
        assert!(accept_type(FlagType::Boolean, FlagType::String).is_err());
    }
}
