//! What may be registered as a namespace.

use contract_prefs::{NamespaceName, NewNamespace, PreferenceDocument};
use problem::FieldError;
use serde_json::Value;

use super::{NamespaceError, Validator, shape};

/// The most bytes of a schema, of defaults, and of a merged document, as JSON.
pub(crate) const MOST_BYTES: usize = 64 * 1024;

/// How deep objects and arrays may nest.
pub(crate) const DEEPEST: usize = 32;

/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 500;

/// Names that stand for routes below `/api/v1/prefs`, now or later.
const RESERVED: [&str; 9] =
    ["changes", "effective", "events", "export", "history", "jobs", "locks", "namespaces", "restore"];

/// Words of keys that hold secrets, and what such keys have in them however they are spelt.
const SECRET_WORDS: [&str; 7] =
    ["passwd", "passphrase", "secret", "secrets", "token", "credential", "credentials"];
const SECRET_PARTS: [&str; 5] = ["password", "apikey", "privatekey", "accesskey", "secretkey"];

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
    faults.extend(shape::faults(&new.schema).into_iter().map(|fault| below("/schema", fault)));
    faults.extend(misfits(&new.defaults).into_iter().map(|fault| below("/defaults", fault)));
    if faults.is_empty() {
        faults.extend(match Validator::compile(&new.schema) {
            Ok(validator) => below_all("/defaults", validator.faults(&new.defaults)),
            Err(fault) => below_all("/schema", vec![fault]),
        });
    }
    if faults.is_empty() { Ok(()) } else { Err(NamespaceError::Invalid(faults)) }
}

/// What no schema could allow in a document: too deep, or a secret's key.
pub(crate) fn misfits(document: &PreferenceDocument) -> Vec<FieldError> {
    let deep = document.values().map(depth).max().unwrap_or_default() >= DEEPEST;
    let deep = deep.then(|| FieldError::new("", "too_deep", format!("at most {DEEPEST} levels are wanted")));
    let secret = document.iter().find_map(|(key, value)| secret_below(key, value, ""));
    let secret = secret.map(|pointer| FieldError::new(pointer, "secret_refused", NO_SECRETS));
    deep.into_iter().chain(secret).collect()
}

/// What a refused key is told.
pub(super) const NO_SECRETS: &str = "preferences are no place for secrets";

/// Whether a key looks as if a secret stood under it.
pub(super) fn is_secret(key: &str) -> bool {
    let words = words(key);
    let joined = words.concat();
    words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
        || SECRET_PARTS.iter().any(|part| joined.contains(part))
}

/// How many bytes a value has as JSON.
pub(crate) fn size<T: serde::Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |text| text.len())
}

/// How many levels of objects and arrays there are.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// A key as a part of a JSON Pointer (RFC 6901 section 3).
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn secret_below(key: &str, value: &Value, at: &str) -> Option<String> {
    let here = format!("{at}/{}", escape(key));
    match value {
        _ if is_secret(key) => Some(here),
        Value::Object(members) => members.iter().find_map(|(key, value)| secret_below(key, value, &here)),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| secret_below(&index.to_string(), item, &here))
        }
        _ => None,
    }
}

/// `apiKey`, `api_key` and `API-KEY` as `api`, `key`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        let begins = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        was_lower = c.is_lowercase() || c.is_numeric();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words
}

fn below(prefix: &str, fault: FieldError) -> FieldError {
    FieldError { pointer: format!("{prefix}{}", fault.pointer), ..fault }
}

fn below_all(prefix: &str, faults: Vec<FieldError>) -> Vec<FieldError> {
    faults.into_iter().map(|fault| below(prefix, fault)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn document(value: Value) -> PreferenceDocument {
        super::super::store::document(value)
    }

    fn new(schema: Value, defaults: Value) -> NewNamespace {
        NewNamespace { description: String::new(), schema, defaults: document(defaults) }
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
    fn keys_of_secrets_are_known_by_their_words() {
        for secret in ["password", "API_KEY", "apiKey", "smtp-password", "accessToken", "db.credentials"] {
            assert!(is_secret(secret), "{secret}");
        }
        for plain in ["theme", "max_tokens", "secretary", "keyboard", "api", "key", "", "_", "ключ"] {
            assert!(!is_secret(plain), "{plain}");
        }
        let open =
            json!({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {}}});
        let found = faults(open, json!({"smtp": {"host": "a", "passWord": "b"}}));
        assert_eq!(found, [("/defaults/smtp/passWord".to_owned(), "secret_refused".to_owned())]);
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
