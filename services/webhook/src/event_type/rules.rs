//! What a type of events may say.

use contract_webhook::EventTypeSays;
use problem::FieldError;
use schemas::{Validator, below};
use serde_json::Value;

use super::{EventTypeError, is_event_type, is_platforms};

/// How many types an organisation has at most.
pub(super) const MOST: i64 = 500;

/// The longest description, characters.
const LONGEST_DESCRIPTION: usize = 500;

/// The largest schema and the largest example, bytes of JSON.
const LARGEST: usize = 64 * 1024;

/// Refuses a name that is none, or that is the platform's.
pub(super) fn accept_name(name: &str) -> Result<(), EventTypeError> {
    if is_platforms(name) {
        return Err(EventTypeError::Platforms);
    }
    if !is_event_type(name) {
        let detail = "a name such as `order.paid` is wanted, at most 128 characters";
        return Err(EventTypeError::Invalid(vec![FieldError::new("/name", "invalid", detail)]));
    }
    Ok(())
}

/// Refuses what cannot be, with all that is wrong with it.
pub(super) fn accept(says: &EventTypeSays) -> Result<(), EventTypeError> {
    let mut faults = Vec::new();
    if says.description.chars().count() > LONGEST_DESCRIPTION {
        let detail = format!("at most {LONGEST_DESCRIPTION} characters are wanted");
        faults.push(FieldError::new("/description", "too_long", detail));
    }
    faults.extend(says.example.as_ref().and_then(|example| too_large("/example", example)));
    if let Some(schema) = &says.schema {
        match compile("/schema", schema) {
            Ok(validator) => {
                let example = says.example.as_ref().map(|example| validator.faults(example));
                faults.extend(below("/example", example.unwrap_or_default()));
            }
            Err(wrong) => faults.extend(wrong),
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(EventTypeError::Invalid(faults)) }
}

/// Compiles a schema that stands at `pointer`, or says what is wrong with it.
pub(crate) fn compile(pointer: &str, schema: &Value) -> Result<Validator, Vec<FieldError>> {
    if let Some(fault) = too_large(pointer, schema) {
        return Err(vec![fault]);
    }
    let faults = schemas::faults(schema, |_, _, _| {});
    if !faults.is_empty() {
        return Err(below(pointer, faults));
    }
    Validator::compile(schema).map_err(|fault| below(pointer, vec![fault]))
}

fn too_large(pointer: &str, value: &Value) -> Option<FieldError> {
    let detail = || format!("at most {LARGEST} bytes are wanted");
    (value.to_string().len() > LARGEST).then(|| FieldError::new(pointer, "too_large", detail()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use problem::Describe;
    use serde_json::json;

    fn faults(says: &EventTypeSays) -> Vec<(String, String)> {
        let faults = accept(says).map_or_else(|refused| refused.fields(), |()| Vec::new());
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn a_schema_is_one_and_its_example_fits() {
        let schema = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}});
        let says = |schema: &Value, example: Value| EventTypeSays {
            description: String::new(),
            schema: Some(schema.clone()),
            example: Some(example),
        };
        assert_eq!(faults(&EventTypeSays::default()), []);
        assert_eq!(faults(&says(&schema, json!({"id": "a"}))), []);
        assert_eq!(faults(&says(&schema, json!({}))), [("/example/id".to_owned(), "missing_key".to_owned())]);
        let refers = json!({"$ref": "https://example.com/schema.json"});
        assert_eq!(
            faults(&says(&refers, json!({}))),
            [("/schema/$ref".to_owned(), "reference_refused".to_owned())]
        );
        let wrong = json!({"type": "objekt"});
        assert_eq!(faults(&says(&wrong, json!({})))[0].0, "/schema/type");
        let large = "x".repeat(LARGEST);
        let says = says(&json!({"const": large}), json!(large));
        let pointers: Vec<String> = faults(&says).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/example", "/schema"]);
    }

    #[test]
    fn the_platforms_names_are_nobody_elses() {
        assert!(accept_name("order.paid").is_ok());
        assert_eq!(accept_name("user.created").unwrap_err().code(), "event_type_reserved");
        assert_eq!(accept_name("a b").unwrap_err().code(), "invalid_fields");
    }
}
