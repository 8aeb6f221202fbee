use problem::FieldError;
use serde_json::Value;

/// A key as a part of a JSON Pointer (RFC 6901 section 3).
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Faults in a part, as faults of the whole in which it stands at `prefix`.
#[must_use]
pub fn below(prefix: &str, faults: Vec<FieldError>) -> Vec<FieldError> {
    let whole = |fault: FieldError| FieldError { pointer: format!("{prefix}{}", fault.pointer), ..fault };
    faults.into_iter().map(whole).collect()
}

/// How many levels of objects and arrays there are.
#[must_use]
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
