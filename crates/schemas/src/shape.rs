//! The shape of a schema that may be used: known keywords, references within itself that never go in
//! circles.

use problem::FieldError;
use serde_json::{Map, Value};

use crate::{
    cost,
    pointer::{depth, escape},
};

/// Keywords that hold one schema.
const ONE: [&str; 5] = ["additionalProperties", "items", "contains", "not", "propertyNames"];
/// Keywords that hold a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const MAPS: [&str; 3] = ["properties", "patternProperties", "$defs"];
/// Keywords that hold no schema.
const PLAIN: [&str; 30] = [
    "$schema",
    "$ref",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "type",
    "enum",
    "const",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "required",
];

/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where definitions are.
pub(crate) const DEFINITIONS: &str = "#/$defs/";

/// How many faults are told at once.
const TOLD: usize = 20;

/// How deep schemas may nest.
pub const DEEPEST: usize = 32;

/// What keeps `schema` from being used, the first 20 faults; pointers are into the schema. What `own`
/// finds in each subschema, which stands at a pointer, is among them.
pub fn faults(
    schema: &Value,
    mut own: impl FnMut(&Map<String, Value>, &str, &mut Vec<FieldError>),
) -> Vec<FieldError> {
    if depth(schema) > DEEPEST {
        return vec![FieldError::new("", "too_deep", format!("at most {DEEPEST} levels are wanted"))];
    }
    let mut found = Vec::new();
    inspect(schema, "", &mut own, &mut found);
    if found.is_empty() {
        found.extend(cost::fault(schema));
    }
    found.truncate(TOLD);
    found
}

/// The faults of one subschema and all below it.
fn inspect(
    schema: &Value,
    at: &str,
    own: &mut impl FnMut(&Map<String, Value>, &str, &mut Vec<FieldError>),
    found: &mut Vec<FieldError>,
) {
    let members = match schema {
        Value::Object(members) => members,
        Value::Bool(_) => return,
        _ => return found.push(FieldError::new(at, "schema_invalid", "a schema is an object or a boolean")),
    };
    for (keyword, value) in members {
        if let Some((code, detail)) = refusal(keyword, value, at.is_empty()) {
            found.push(FieldError::new(format!("{at}/{}", escape(keyword)), code, detail));
        }
    }
    own(members, at, found);
    for (path, child) in children(members) {
        inspect(child, &format!("{at}{path}"), own, found);
    }
}

/// Why a keyword may not stand there with this value: a code and a sentence.
fn refusal(keyword: &str, value: &Value, is_root: bool) -> Option<(&'static str, &'static str)> {
    let known = [&ONE[..], &LISTS, &MAPS, &PLAIN].concat().contains(&keyword);
    match keyword {
        _ if !known => Some(("keyword_unknown", "there is no such keyword, or it is refused here")),
        "$schema" if value != DIALECT => Some(("dialect_unknown", "JSON Schema 2020-12 is wanted")),
        "$ref" if !value.as_str().is_some_and(is_local) => {
            Some(("reference_refused", "a reference is `#/$defs/<name>`"))
        }
        "$defs" if !is_root => Some(("definitions_misplaced", "definitions stand at the top")),
        _ => None,
    }
}

fn is_local(reference: &str) -> bool {
    reference
        .strip_prefix(DEFINITIONS)
        .is_some_and(|name| !name.is_empty() && !name.contains(['/', '~', '%']))
}

/// The schemas right below one, each with its path from there.
pub(crate) fn children(schema: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut children = Vec::new();
    for (keyword, value) in schema {
        match value {
            value if ONE.contains(&keyword.as_str()) => children.push((format!("/{keyword}"), value)),
            Value::Array(items) if LISTS.contains(&keyword.as_str()) => {
                let items = items.iter().enumerate();
                children.extend(items.map(|(index, item)| (format!("/{keyword}/{index}"), item)));
            }
            Value::Object(members) if MAPS.contains(&keyword.as_str()) => {
                let members = members.iter();
                children.extend(members.map(|(key, item)| (format!("/{keyword}/{}", escape(key)), item)));
            }
            _ => {}
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(schema: Value) -> Vec<(String, String)> {
        faults(&schema, |_, _, _| {}).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    fn closed(properties: Value) -> Value {
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    }

    fn with_definitions(properties: Value, definitions: Value) -> Value {
        let mut schema = closed(properties);
        schema["$defs"] = definitions;
        schema
    }

    fn one(pointer: &str, code: &str) -> Vec<(String, String)> {
        vec![(pointer.to_owned(), code.to_owned())]
    }

    #[test]
    fn unknown_keywords_and_foreign_references_are_refused() {
        let at = "/properties/a/";
        for (keyword, value, code) in [
            ("adiitionalProperties", json!(false), "keyword_unknown"),
            ("$id", json!("https://example.com"), "keyword_unknown"),
            ("$dynamicRef", json!("#a"), "keyword_unknown"),
            ("$ref", json!("https://example.com/a.json"), "reference_refused"),
            ("$ref", json!("file:///etc/passwd"), "reference_refused"),
            ("$ref", json!("#"), "reference_refused"),
            ("$ref", json!(1), "reference_refused"),
            ("$defs", json!({}), "definitions_misplaced"),
            ("$schema", json!("http://json-schema.org/draft-07/schema#"), "dialect_unknown"),
        ] {
            assert_eq!(codes(closed(json!({"a": {keyword: value}}))), one(&format!("{at}{keyword}"), code));
        }
        // The name of a key is no keyword.
        assert_eq!(codes(closed(json!({"$id": {"type": "string"}}))), []);
    }

    #[test]
    fn references_never_go_in_circles() {
        let schema = with_definitions(
            json!({}),
            json!({"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}),
        );
        assert_eq!(codes(schema), one("/$defs/a", "schema_recursive"));
        let schema = closed(json!({"a": {"$ref": "#/$defs/nowhere"}}));
        assert_eq!(codes(schema), one("/$defs/nowhere", "definition_missing"));
    }

    #[test]
    fn references_do_not_multiply_without_bound() {
        let definitions: Map<String, Value> = (0..20)
            .map(|level| {
                let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
                (format!("d{level}"), json!({"anyOf": [next, next]}))
            })
            .chain([("d20".to_owned(), json!({"type": "null"}))])
            .collect();
        let schema = with_definitions(json!({"a": {"$ref": "#/$defs/d0"}}), definitions.into());
        assert_eq!(codes(schema), one("", "schema_too_costly"));
        let many: Map<String, Value> = (0..21).map(|n| (format!("p{n}"), json!({"pattern": "a"}))).collect();
        assert_eq!(codes(closed(many.into())), one("", "schema_too_costly"));
    }
}
