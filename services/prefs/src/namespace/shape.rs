//! The shape of a schema that may be registered: known keywords, closed objects, no
//! secrets, references within itself that never go in circles, and a bounded cost.

use std::collections::BTreeMap;

use problem::FieldError;
use serde_json::{Map, Value};

use super::rules::{DEEPEST, NO_SECRETS, depth, escape, is_secret, secret_value};

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

/// Keywords that hold values, as documents do.
const VALUES: [&str; 4] = ["default", "examples", "enum", "const"];

/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where definitions are.
const DEFINITIONS: &str = "#/$defs/";

/// How many patterns a schema may have; each may take 1 MB when compiled.
const MOST_PATTERNS: usize = 20;

/// How many subschemas a schema may have with every reference written out, so that
/// no document takes long to validate.
const MOST_SUBSCHEMAS: usize = 1000;

/// How many faults are told at once.
const TOLD: usize = 20;

/// What keeps `schema` from being registered; pointers are into the schema.
pub(super) fn faults(schema: &Value) -> Vec<FieldError> {
    if depth(schema) > DEEPEST {
        return vec![FieldError::new("", "too_deep", format!("at most {DEEPEST} levels are wanted"))];
    }
    let Some(root) = schema.as_object().filter(|root| root.get("type").is_some_and(|kind| kind == "object"))
    else {
        return vec![FieldError::new(
            "",
            "schema_not_an_object",
            r#"`"type": "object"` is wanted at the top"#,
        )];
    };
    let nothing = Map::new();
    let definitions = root.get("$defs").and_then(Value::as_object).unwrap_or(&nothing);
    let mut found = Vec::new();
    inspect(schema, "", &mut found);
    if found.is_empty() {
        found.extend(Cost { definitions, known: BTreeMap::new() }.fault(root));
    }
    found.truncate(TOLD);
    found
}

/// The faults of one subschema and all below it.
fn inspect(schema: &Value, at: &str, found: &mut Vec<FieldError>) {
    let members = match schema {
        Value::Object(members) => members,
        Value::Bool(_) => return,
        _ => return found.push(FieldError::new(at, "schema_invalid", "a schema is an object or a boolean")),
    };
    for (keyword, value) in members {
        let here = format!("{at}/{}", escape(keyword));
        if let Some((code, detail)) = refusal(keyword, value, at.is_empty()) {
            found.push(FieldError::new(&here, code, detail));
        }
        if VALUES.contains(&keyword.as_str())
            && let Some(place) = secret_value(value, &here)
        {
            found.push(FieldError::new(place, "secret_refused", NO_SECRETS));
        }
    }
    let keys = members.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    for key in keys.filter(|key| is_secret(key)) {
        let here = format!("{at}/properties/{}", escape(key));
        found.push(FieldError::new(here, "secret_refused", NO_SECRETS));
    }
    if is_open(members) {
        let detail = "an object says `additionalProperties`: false, or the schema of its other keys";
        found.push(FieldError::new(format!("{at}/additionalProperties"), "object_open", detail));
    }
    for (path, child) in children(members) {
        inspect(child, &format!("{at}{path}"), found);
    }
}

/// Why a keyword may not stand there with this value: a code and a sentence.
fn refusal(keyword: &str, value: &Value, is_root: bool) -> Option<(&'static str, &'static str)> {
    let known = [&ONE[..], &LISTS, &MAPS, &PLAIN].concat().contains(&keyword);
    match keyword {
        _ if !known => Some(("keyword_unknown", "prefs knows no such keyword, or refuses it")),
        "$schema" if value != DIALECT => Some(("dialect_unknown", "JSON Schema 2020-12 is wanted")),
        "$ref" if !value.as_str().is_some_and(is_local) => {
            Some(("reference_refused", "a reference is `#/$defs/<name>`"))
        }
        "$defs" if !is_root => Some(("definitions_misplaced", "definitions stand at the top")),
        "writeOnly" if *value == true => Some(("secret_refused", NO_SECRETS)),
        "format" if value == "password" => Some(("secret_refused", NO_SECRETS)),
        _ => None,
    }
}

fn is_local(reference: &str) -> bool {
    reference
        .strip_prefix(DEFINITIONS)
        .is_some_and(|name| !name.is_empty() && !name.contains(['/', '~', '%']))
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

/// The schemas right below one, each with its path from there.
fn children(schema: &Map<String, Value>) -> Vec<(String, &Value)> {
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

/// What validating by a schema costs: its subschemas and patterns, references written out.
struct Cost<'a> {
    definitions: &'a Map<String, Value>,
    /// The cost of each definition; `None` while it is being counted.
    known: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Cost<'a> {
    fn fault(&mut self, root: &'a Map<String, Value>) -> Option<FieldError> {
        let patterns = patterns(root);
        if patterns > MOST_PATTERNS {
            let detail = format!("{patterns} patterns, at most {MOST_PATTERNS} are wanted");
            return Some(FieldError::new("", "schema_too_costly", detail));
        }
        let named = self.definitions.keys().map(|name| self.definition(name)).sum::<Result<usize, _>>();
        match named.and_then(|_| self.of(root)) {
            Ok(cost) if cost <= MOST_SUBSCHEMAS => None,
            Ok(_) => {
                Some(FieldError::new("", "schema_too_costly", "it has too many parts to be validated fast"))
            }
            Err(fault) => Some(fault),
        }
    }

    fn of(&mut self, schema: &'a Map<String, Value>) -> Result<usize, FieldError> {
        let mut cost = 1_usize;
        if let Some(name) =
            schema.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFINITIONS))
        {
            cost = cost.saturating_add(self.definition(name)?);
        }
        for (path, child) in children(schema) {
            if let Value::Object(child) = child
                && !path.starts_with("/$defs/")
            {
                cost = cost.saturating_add(self.of(child)?);
            }
        }
        Ok(cost)
    }

    fn definition(&mut self, name: &'a str) -> Result<usize, FieldError> {
        let at = format!("/$defs/{name}");
        match self.known.get(name) {
            Some(Some(cost)) => return Ok(*cost),
            Some(None) => return Err(FieldError::new(at, "schema_recursive", "it refers to itself")),
            None => {}
        }
        let Some(schema) = self.definitions.get(name) else {
            return Err(FieldError::new(at, "definition_missing", "there is no such definition"));
        };
        self.known.insert(name, None);
        let cost = schema.as_object().map_or(Ok(1), |schema| self.of(schema))?;
        self.known.insert(name, Some(cost));
        Ok(cost)
    }
}

/// How many patterns there are in it, those of definitions included.
fn patterns(schema: &Map<String, Value>) -> usize {
    let own = usize::from(schema.contains_key("pattern"));
    let keys = schema.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
    let below = children(schema).into_iter().filter_map(|(_, child)| child.as_object()).map(patterns);
    own + keys + below.sum::<usize>()
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
