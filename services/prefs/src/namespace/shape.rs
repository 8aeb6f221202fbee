//! The shape of a schema that may be registered: an object, closed, without secrets, beside what is
//! asked of [any schema](schemas).

use problem::FieldError;
use serde_json::{Map, Value};

use super::rules::{NO_SECRETS, is_secret, secret_value};

/// Keywords that hold values, as documents do.
const VALUES: [&str; 4] = ["default", "examples", "enum", "const"];

/// Where definitions are.
const DEFINITIONS: &str = "#/$defs/";

/// What keeps `schema` from being registered; pointers are into the schema.
pub(super) fn faults(schema: &Value) -> Vec<FieldError> {
    if schema.get("type").is_none_or(|kind| kind != "object") {
        return vec![FieldError::new(
            "",
            "schema_not_an_object",
            r#"`"type": "object"` is wanted at the top"#,
        )];
    }
    schemas::faults(schema, inspect)
}

/// What is not wanted of one subschema.
fn inspect(members: &Map<String, Value>, at: &str, found: &mut Vec<FieldError>) {
    for (keyword, value) in members {
        let here = format!("{at}/{}", schemas::escape(keyword));
        if (keyword == "writeOnly" && *value == true) || (keyword == "format" && value == "password") {
            found.push(FieldError::new(&here, "secret_refused", NO_SECRETS));
        }
        if VALUES.contains(&keyword.as_str())
            && let Some(place) = secret_value(value, &here)
        {
            found.push(FieldError::new(place, "secret_refused", NO_SECRETS));
        }
    }
    let keys = members.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    for key in keys.filter(|key| is_secret(key)) {
        let here = format!("{at}/properties/{}", schemas::escape(key));
        found.push(FieldError::new(here, "secret_refused", NO_SECRETS));
    }
    if is_open(members) {
        let detail = "an object says `additionalProperties`: false, or the schema of its other keys";
        found.push(FieldError::new(format!("{at}/additionalProperties"), "object_open", detail));
    }
}

/// Whether it describes objects without saying what becomes of unknown keys.
fn is_open(schema: &Map<String, Value>) -> bool {
    let kinds = schema.get("type");
    let typed = kinds.is_some_and(|kinds| {
        kinds == "object" || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
    });
    let described = typed || schema.contains_key("properties");
    described && schema.get("additionalProperties").is_none_or(|rest| *rest == true)
}

/// Keywords of which one at least stands where a schema does not allow just anything.
const SAYING: [&str; 10] = [
    "type",
    "enum",
    "const",
    "properties",
    "patternProperties",
    "additionalProperties",
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
];

/// Whether `schema`, a part of `root`, lets documents have something where `path` leads.
pub(super) fn knows(root: &Value, schema: &Value, path: &[String]) -> bool {
    let Some((key, rest)) = path.split_first() else { return *schema != Value::Bool(false) };
    let Some(members) = schema.as_object() else { return *schema == Value::Bool(true) };
    let named = |keyword: &str| members.get(keyword).and_then(|named| named.get(key));
    let referred = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFINITIONS));
    let referred = referred.and_then(|name| root.get("$defs")?.get(name));
    let choices =
        ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|keyword| members.get(keyword)?.as_array());
    let patterned = members.get("patternProperties").and_then(Value::as_object);
    // A pattern may fit any key: it is not asked.
    let open = patterned.into_iter().flat_map(Map::values).chain(members.get("additionalProperties"));
    !SAYING.iter().any(|keyword| members.contains_key(*keyword))
        || named("properties").is_some_and(|schema| knows(root, schema, rest))
        || open.into_iter().any(|schema| knows(root, schema, rest))
        || referred.into_iter().chain(choices.flatten()).any(|schema| knows(root, schema, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(schema: Value) -> Vec<(String, String)> {
        faults(&schema).into_iter().map(|fault| (fault.pointer, fault.code)).collect()
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
    fn a_plain_schema_is_fine() {
        let schema = with_definitions(
            json!({
                "theme": {"enum": ["light", "dark"], "default": "light"},
                "hours": {"type": "array", "items": {"$ref": "#/$defs/hour"}, "maxItems": 3},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "either": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/hour"}]}
            }),
            json!({"hour": {"type": "string", "pattern": "^[0-9]+$"}}),
        );
        assert_eq!(codes(schema), []);
    }

    #[test]
    fn the_top_describes_an_object() {
        for schema in
            [json!(true), json!([]), json!({}), json!({"type": "array"}), json!({"type": ["object"]})]
        {
            assert_eq!(codes(schema), one("", "schema_not_an_object"));
        }
    }

    #[test]
    fn every_object_is_closed_or_says_how_it_is_open() {
        assert_eq!(codes(json!({"type": "object"})), one("/additionalProperties", "object_open"));
        let at = "/properties/a/additionalProperties";
        assert_eq!(codes(closed(json!({"a": {"properties": {}}}))), one(at, "object_open"));
        assert_eq!(codes(closed(json!({"a": {"type": ["null", "object"]}}))), one(at, "object_open"));
        let open = json!({"a": {"type": "object", "additionalProperties": true}});
        assert_eq!(codes(closed(open)), one(at, "object_open"));
    }

    #[test]
    fn secrets_are_refused_by_name_and_by_format() {
        let at = "/properties/api_key";
        assert_eq!(codes(closed(json!({"api_key": {"type": "string"}}))), one(at, "secret_refused"));
        let hidden = closed(json!({"a": {"format": "password"}, "b": {"writeOnly": true}}));
        let hidden: Vec<String> = codes(hidden).into_iter().map(|(_, code)| code).collect();
        assert_eq!(hidden, ["secret_refused", "secret_refused"]);
    }
}
