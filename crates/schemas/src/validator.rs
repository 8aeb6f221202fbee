use jsonschema::{Draft, PatternOptions, ValidationError, error::ValidationErrorKind};
use problem::FieldError;
use serde_json::Value;

use crate::pointer::escape;

/// The most that one compiled pattern may take, bytes.
const PATTERN_SIZE: usize = 1024 * 1024;

/// What a pattern that cannot be used is told.
const NO_PATTERN: &str = "a regular expression without look-around and back-references is wanted, \
                          at most 1 MB when compiled";

/// How many faults of a document are told at once.
const TOLD: usize = 20;

/// Up to how many values times subschemas each fault of a document is looked for.
const MOST_CHECKS: usize = 50_000;

/// What a schema counts for that refers to parts of itself: as much as `shape` allows.
const WITH_REFERENCES: usize = 1000;

/// A compiled JSON Schema.
///
/// Compiling reads no file and no URL, patterns run in linear time and formats are
/// asserted.
#[derive(Debug)]
pub struct Validator {
    schema: jsonschema::Validator,
    /// How many subschemas it has, at most.
    parts: usize,
}

impl Validator {
    /// Compiles `schema`, which [`faults`](crate::faults) found nothing wrong with.
    ///
    /// # Errors
    /// What keeps it from being one; the pointer is into the schema.
    pub fn compile(schema: &Value) -> Result<Self, FieldError> {
        let patterns = PatternOptions::regex().size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE);
        let built = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(patterns)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .build(schema);
        built.map(|built| Self { schema: built, parts: parts(schema) }).map_err(|why| {
            let pointer = why.instance_path().as_str().to_owned();
            let detail = match why.kind() {
                ValidationErrorKind::Format { format } if format == "regex" => NO_PATTERN.to_owned(),
                _ => why.masked().to_string(),
            };
            FieldError::new(pointer, "schema_invalid", detail)
        })
    }

    /// Whether `document` fits.
    #[must_use]
    pub fn fits(&self, document: &Value) -> bool {
        self.schema.is_valid(document)
    }

    /// What keeps `document` from fitting, the first 20 faults.
    ///
    /// Whether it fits is cheap to know; every fault of every branch is not, and is all
    /// collected before the first is told. Of what would cost too much, one is told.
    #[must_use]
    pub fn faults(&self, document: &Value) -> Vec<FieldError> {
        if self.schema.is_valid(document) {
            return Vec::new();
        }
        if values(document).saturating_mul(self.parts) > MOST_CHECKS {
            let detail = "it does not fit the schema, and is too large for each fault to be told";
            return vec![FieldError::new("", "schema_mismatch", detail)];
        }
        self.schema.iter_errors(document).flat_map(|error| told(&error)).take(TOLD).collect()
    }
}

/// How many subschemas there are in `schema`, or might be.
fn parts(schema: &Value) -> usize {
    match schema {
        Value::Object(members) if members.contains_key("$ref") => WITH_REFERENCES,
        Value::Object(members) => 1 + members.values().map(parts).sum::<usize>(),
        Value::Array(items) => items.iter().map(parts).sum(),
        _ => 0,
    }
}

/// How many values there are in `document`.
fn values(document: &Value) -> usize {
    match document {
        Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// One fault in stable words. The value itself is never repeated.
fn told(error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = error.instance_path().as_str();
    let below = |key: &str| format!("{at}/{}", escape(key));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown = |key: &String| FieldError::new(below(key), "unknown_key", "there is no such key");
            unexpected.iter().map(unknown).collect()
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            vec![FieldError::new(below(key), "missing_key", "this key is wanted")]
        }
        kind => vec![FieldError::new(at, code(kind.keyword()), error.masked().to_string())],
    }
}

/// The stable code of a schema keyword that a value breaks.
fn code(keyword: &str) -> &'static str {
    match keyword {
        "type" => "wrong_type",
        "enum" | "const" => "value_not_allowed",
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => "out_of_range",
        "multipleOf" => "not_a_multiple",
        "minLength" => "too_short",
        "maxLength" => "too_long",
        "minItems" | "minProperties" => "too_few",
        "maxItems" | "maxProperties" => "too_many",
        "uniqueItems" => "duplicate_items",
        "pattern" => "pattern_mismatch",
        "format" => "format_mismatch",
        "propertyNames" => "key_not_allowed",
        _ => "schema_mismatch",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(schema: Value, document: Value) -> Vec<(String, String)> {
        let faults = Validator::compile(&schema).unwrap().faults(&document);
        assert!(!faults.iter().any(|fault| fault.detail.contains("hunter2")), "{faults:?}");
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn every_fault_has_a_pointer_and_a_code() {
        let cases = [
            (json!({"type": "integer"}), json!("hunter2"), "wrong_type"),
            (json!({"enum": ["a", "b"]}), json!("hunter2"), "value_not_allowed"),
            (json!({"maximum": 3}), json!(4), "out_of_range"),
            (json!({"multipleOf": 2}), json!(3), "not_a_multiple"),
            (json!({"minLength": 9}), json!("hunter2"), "too_short"),
            (json!({"maxLength": 3}), json!("hunter2"), "too_long"),
            (json!({"maxItems": 1}), json!([1, 2]), "too_many"),
            (json!({"uniqueItems": true}), json!([1, 1]), "duplicate_items"),
            (json!({"pattern": "^[a-z]+$"}), json!("hunter2"), "pattern_mismatch"),
            (json!({"type": "string", "format": "email"}), json!("hunter2"), "format_mismatch"),
            (json!({"propertyNames": {"maxLength": 1}}), json!({"ab": 1}), "key_not_allowed"),
            (json!({"not": {"const": 1}}), json!(1), "schema_mismatch"),
        ];
        for (schema, value, code) in cases {
            let schema = json!({"properties": {"a/b": schema}});
            let found = faults(schema, json!({"a/b": value}));
            assert_eq!(found, [("/a~1b".to_owned(), code.to_owned())]);
        }
    }

    #[test]
    fn unknown_and_missing_keys_are_named_themselves() {
        let schema = json!({"additionalProperties": false, "properties": {"a": {"required": ["b"]}}});
        let found = faults(schema, json!({"a": {}, "x": 1, "y~z": 2}));
        let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(
            found,
            [pair("/a/b", "missing_key"), pair("/x", "unknown_key"), pair("/y~0z", "unknown_key")]
        );
    }

    #[test]
    fn the_faults_of_many_branches_over_many_items_are_not_collected() {
        let branches: Vec<Value> = (0..400).map(|number| json!({"const": number + 100})).collect();
        let schema = json!({"properties": {"a": {"items": {"anyOf": branches}}}});
        let found = faults(schema.clone(), json!({"a": vec![1; 8000]}));
        assert_eq!(found, [(String::new(), "schema_mismatch".to_owned())]);
        assert_eq!(faults(schema.clone(), json!({"a": vec![100; 8000]})), []);
        assert_eq!(faults(schema, json!({"a": [1]})), [("/a/0".to_owned(), "schema_mismatch".to_owned())]);
    }

    #[test]
    fn nothing_outside_the_schema_is_read() {
        for reference in ["http://127.0.0.1:9/schema.json", "file:///etc/passwd", "other.json"] {
            assert!(Validator::compile(&json!({"$ref": reference})).is_err(), "{reference}");
        }
    }

    #[test]
    fn patterns_that_need_backtracking_or_much_memory_are_refused() {
        for pattern in ["(?=a)b", "(a)\\1", "(((a{100}){100}){100})"] {
            let fault = Validator::compile(&json!({"pattern": pattern})).unwrap_err();
            assert_eq!(
                (fault.pointer.as_str(), fault.detail.as_str()),
                ("/pattern", NO_PATTERN),
                "{pattern}"
            );
        }
    }

    #[test]
    fn letters_of_every_script_can_be_asked_for() {
        let schema = json!({"properties": {"name": {"pattern": "^\\p{L}{1,9}$"}}});
        assert_eq!(faults(schema, json!({"name": "Прѣвет"})), []);
    }

    #[test]
    fn a_pattern_takes_linear_time() {
        let schema = json!({"properties": {"a": {"pattern": "^(a+)+$"}}});
        assert_eq!(faults(schema, json!({"a": format!("{}b", "a".repeat(60_000))})).len(), 1);
    }
}
