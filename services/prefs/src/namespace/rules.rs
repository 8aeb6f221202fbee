//! What may be registered as a namespace.

use contract_prefs::{NamespaceName, NewNamespace, PreferenceDocument};
use problem::FieldError;
use uuid::Uuid;

pub(crate) use super::secrets::{NO_SECRETS, is_secret, secret_value};

use super::{NamespaceError, Validator, secrets, shape};
use crate::{document::locks, migration::rules as migration};

/// The most bytes of a schema, of defaults, and of a merged document, as JSON.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// How deep objects and arrays may nest.
pub(crate) use schemas::DEEPEST;
pub(crate) use schemas::{below, depth, escape};

/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 500;

/// Names that stand for routes below `/api/v1/prefs`, now or later.
const RESERVED: [&str; 10] = [
    "changes",
    "effective",
    "events",
    "export",
    "history",
    "jobs",
    "locks",
    "namespaces",
    "organization",
    "restore",
];

/// The name of a namespace to register.
pub(crate) fn accept_name(text: &str) -> Result<NamespaceName, NamespaceError> {
    let name: NamespaceName = text.parse()?;
    if RESERVED.contains(&name.as_str()) { Err(NamespaceError::Reserved(name)) } else { Ok(name) }
}

/// Refuses a namespace whose schema is open, costly or no schema, which holds secrets,
/// or whose defaults do not fit the schema.
pub(crate) fn accept(new: &NewNamespace) -> Result<(), NamespaceError> {
    if size(&new.schema) > MOST_BYTES {
        return Err(NamespaceError::TooLarge("schema"));
    }
    if size(&new.defaults) > MOST_BYTES {
        return Err(NamespaceError::TooLarge("defaults"));
    }
    let mut faults = Vec::new();
    if new.description.chars().count() > LONGEST_DESCRIPTION {
        faults.push(FieldError::new("/description", "too_long", "at most 500 characters are wanted"));
    }
    faults.extend(below("/schema", shape::faults(&new.schema)));
    faults.extend(below("/defaults", misfits(&new.defaults)));
    faults.extend(below("/migration", migration::faults(&new.migration)));
    if faults.is_empty() {
        faults.extend(match Validator::compile(&new.schema) {
            Ok(validator) => {
                let faults = below("/defaults", validator.faults(&new.defaults));
                let unknown = locks::faults(&new.locks, |lock| validator.knows(lock));
                faults.into_iter().chain(below("/locks", unknown)).collect()
            }
            Err(fault) => below("/schema", vec![fault]),
        });
    }
    if faults.is_empty() { Ok(()) } else { Err(NamespaceError::Invalid(faults)) }
}

/// What no schema could allow in a document: too deep, or what looks like a secret.
pub(crate) fn misfits(document: &PreferenceDocument) -> Vec<FieldError> {
    let deep = document.values().map(depth).max().unwrap_or_default() >= DEEPEST;
    let deep = deep.then(|| FieldError::new("", "too_deep", format!("at most {DEEPEST} levels are wanted")));
    let secret = document.iter().find_map(|(key, value)| secrets::found(key, value, ""));
    let secret = secret.map(|pointer| FieldError::new(pointer, "secret_refused", NO_SECRETS));
    deep.into_iter().chain(secret).collect()
}

/// A version as the place where a page of a list ends, and back: cursors hold 16 bytes.
pub(crate) fn place(version: i64) -> Uuid {
    Uuid::from_u64_pair(0, version.unsigned_abs())
}

/// The version at a place.
pub(crate) fn version(place: Uuid) -> i64 {
    i64::try_from(place.as_u64_pair().1).unwrap_or_default()
}

/// How many bytes a value has as JSON.
pub(crate) fn size<T: serde::Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn document(value: Value) -> PreferenceDocument {
        super::super::store::document(value)
    }

    fn new(schema: Value, defaults: Value) -> NewNamespace {
        NewNamespace {
            description: String::new(),
            schema,
            defaults: document(defaults),
            locks: Vec::new(),
            migration: Vec::new(),
        }
    }

    fn faults(schema: Value, defaults: Value) -> Vec<(String, String)> {
        match accept(&new(schema, defaults)) {
            Ok(()) => Vec::new(),
            Err(NamespaceError::Invalid(faults)) => {
                faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    fn closed(properties: Value) -> Value {
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    }

    #[test]
    fn defaults_fit_their_schema() {
        let schema = closed(json!({"size": {"type": "integer"}}));
        assert_eq!(faults(schema.clone(), json!({"size": 1})), []);
        let pair = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(faults(schema.clone(), json!({"size": "1"})), pair("/defaults/size", "wrong_type"));
        assert_eq!(faults(schema, json!({"colour": 1})), pair("/defaults/colour", "unknown_key"));
    }

    #[test]
    fn a_schema_that_is_none_is_refused() {
        let schema = closed(json!({"size": {"type": "whole"}}));
        let found = faults(schema, json!({}));
        assert_eq!(found, [("/schema/properties/size/type".to_owned(), "schema_invalid".to_owned())]);
    }

    #[test]
    fn secrets_are_found_where_they_stand() {
        let open =
            json!({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {}}});
        let found = faults(open.clone(), json!({"smtp": {"host": "a", "passWord": "b"}}));
        assert_eq!(found, [("/defaults/smtp/passWord".to_owned(), "secret_refused".to_owned())]);
        let found = faults(open, json!({"smtp": {"hosts": ["a", "sk_live_0123456789abcdef"]}}));
        assert_eq!(found, [("/defaults/smtp/hosts/1".to_owned(), "secret_refused".to_owned())]);
    }

    #[test]
    fn locks_name_what_the_schema_knows() {
        let schema = closed(json!({
            "size": {"type": "integer"},
            "hours": {"$ref": "#/$defs/hours"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "either": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/hours"}]},
        }));
        let mut schema = document(schema);
        schema.insert("$defs".to_owned(), json!({"hours": closed(json!({"from": {"type": "string"}}))}));
        let locked = |locks: &[&str]| {
            let locks = locks.iter().map(|lock| (*lock).to_owned()).collect();
            let new = NewNamespace { locks, ..new(Value::Object(schema.clone()), json!({})) };
            match accept(&new) {
                Ok(()) => Vec::new(),
                Err(NamespaceError::Invalid(faults)) => {
                    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
                }
                Err(other) => panic!("{other:?}"),
            }
        };
        assert_eq!(locked(&["/size", "/hours", "/hours/from", "/labels/any", "/either/from"]), []);
        let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(
            locked(&["/sise", "/size/a", "/hours/till", "hours", ""]),
            [
                pair("/locks/0", "unknown_key"),
                pair("/locks/1", "unknown_key"),
                pair("/locks/2", "unknown_key"),
                pair("/locks/3", "pointer_invalid"),
                pair("/locks/4", "pointer_invalid"),
            ]
        );
        let many = vec!["/size"; 101];
        assert_eq!(locked(&many), [pair("/locks", "too_many")]);
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let long = closed(json!({"a": {"description": "x".repeat(MOST_BYTES)}}));
        assert!(matches!(accept(&new(long, json!({}))), Err(NamespaceError::TooLarge("schema"))));
        let open = json!({"type": "object", "additionalProperties": {}});
        let large = json!({"a": "x".repeat(MOST_BYTES)});
        assert!(matches!(accept(&new(open.clone(), large)), Err(NamespaceError::TooLarge("defaults"))));
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
        assert_eq!(faults(open.clone(), nested(DEEPEST)), []);
        assert_eq!(faults(open, nested(DEEPEST + 1)), [("/defaults".to_owned(), "too_deep".to_owned())]);
    }

    #[test]
    fn names_of_routes_are_kept() {
        assert!(accept_name("appearance").is_ok());
        assert!(matches!(accept_name("history"), Err(NamespaceError::Reserved(_))));
        assert!(matches!(accept_name("openapi.json"), Err(NamespaceError::BadName(_))));
    }

    /// JSON that looks like a schema, though what stands where is left to chance.
    fn any_schema() -> impl Strategy<Value = Value> {
        const WORDS: [&str; 7] = ["object", "array", "integer", "#/$defs/a", "^a$", "(", "email"];
        const KEYWORDS: [&str; 17] = [
            "type",
            "properties",
            "additionalProperties",
            "items",
            "$ref",
            "$defs",
            "anyOf",
            "not",
            "enum",
            "pattern",
            "patternProperties",
            "minimum",
            "maxLength",
            "required",
            "uniqueItems",
            "format",
            "a",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-2_i64..4).prop_map(Value::from),
            proptest::sample::select(&WORDS[..]).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                4 => proptest::collection::btree_map(proptest::sample::select(&KEYWORDS[..]), inner, 0..5)
                    .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_schema_makes_it_panic_and_a_registered_one_compiles(parts in any_schema(), given in any_schema()) {
            let schema = closed(json!({"a": parts, "b": {"$ref": "#/$defs/a"}}));
            let schema = [("$defs".to_owned(), json!({"a": {"type": "boolean"}}))].into_iter()
                .chain(document(schema)).collect::<PreferenceDocument>();
            let new = new(Value::Object(schema), json!({"a": given}));
            if accept(&new).is_ok() {
                let validator = Validator::compile(&new.schema).unwrap();
                prop_assert!(validator.faults(&new.defaults).is_empty());
            }
        }
    }
}
