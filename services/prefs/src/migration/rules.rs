//! What leads stored layers to another schema: steps out of RFC 6902, and a map of values.

use contract_prefs::{MigrationStep, PreferenceDocument};
use problem::FieldError;
use serde_json::Value;

use crate::{
    document::{
        Layer,
        locks::{is_pointer, keys, take},
    },
    namespace::rules::{NO_SECRETS, is_secret, secret_value},
};

/// The most steps of one migration.
const MOST_STEPS: usize = 50;

/// The most values that one step maps.
const MOST_VALUES: usize = 100;

/// Takes the steps, one after the other. What is not there is left alone.
pub(crate) fn lead(layer: &mut Layer, steps: &[MigrationStep]) {
    for step in steps {
        match step {
            MigrationStep::Move { from, path } => {
                if let Some(value) = take(&mut layer.overrides, from) {
                    put(&mut layer.overrides, path, value);
                }
                for lock in &mut layer.locks {
                    if let Some(rest) = below(lock, from) {
                        *lock = format!("{path}{rest}");
                    }
                }
            }
            MigrationStep::Remove { path } => {
                take(&mut layer.overrides, path);
                layer.locks.retain(|lock| below(lock, path).is_none());
            }
            MigrationStep::Map { path, values } => {
                if let Some(value) = find(&mut layer.overrides, path)
                    && let Some(mapped) = values.iter().find(|mapped| mapped.from == *value)
                {
                    *value = mapped.to.clone();
                }
            }
        }
    }
}

/// What keeps a migration from being taken; pointers are into the steps.
pub(crate) fn faults(steps: &[MigrationStep]) -> Vec<FieldError> {
    if steps.len() > MOST_STEPS {
        let detail = format!("at most {MOST_STEPS} steps are wanted");
        return vec![FieldError::new("", "too_many", detail)];
    }
    steps.iter().enumerate().flat_map(|(index, step)| of_step(&format!("/{index}"), step)).collect()
}

fn of_step(at: &str, step: &MigrationStep) -> Vec<FieldError> {
    let pointer = |name: &str, text: &str| {
        let fault = || FieldError::new(format!("{at}/{name}"), "pointer_invalid", "a JSON Pointer is wanted");
        (!is_pointer(text)).then(fault)
    };
    match step {
        MigrationStep::Move { from, path } => {
            let own = below(path, from).filter(|rest| !rest.is_empty()).map(|_rest| {
                FieldError::new(format!("{at}/path"), "path_inside_itself", "nothing moves into itself")
            });
            let secret = keys(path)
                .any(|key| is_secret(&key))
                .then(|| FieldError::new(format!("{at}/path"), "secret_refused", NO_SECRETS));
            [pointer("from", from), pointer("path", path), own, secret].into_iter().flatten().collect()
        }
        MigrationStep::Remove { path } => pointer("path", path).into_iter().collect(),
        MigrationStep::Map { path, values } => {
            let many = (values.len() > MOST_VALUES).then(|| {
                FieldError::new(format!("{at}/values"), "too_many", "at most 100 values are wanted")
            });
            let secrets = values
                .iter()
                .enumerate()
                .filter_map(|(index, mapped)| secret_value(&mapped.to, &format!("{at}/values/{index}/to")));
            let secrets = secrets.map(|place| FieldError::new(place, "secret_refused", NO_SECRETS));
            pointer("path", path).into_iter().chain(many).chain(secrets).collect()
        }
    }
}

/// What of `pointer` is left below `top`; `None` when it is not there or below.
fn below<'a>(pointer: &'a str, top: &str) -> Option<&'a str> {
    pointer.strip_prefix(top).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn find<'a>(document: &'a mut PreferenceDocument, pointer: &str) -> Option<&'a mut Value> {
    let mut path = keys(pointer);
    let first = path.next()?;
    let top = document.get_mut(&first)?;
    path.try_fold(top, |value, key| value.as_object_mut()?.get_mut(&key))
}

/// Puts a value where a pointer says; what is no object on the way gives way to one.
fn put(document: &mut PreferenceDocument, pointer: &str, value: Value) {
    let mut members = document;
    let mut path = keys(pointer).peekable();
    while let Some(key) = path.next() {
        if path.peek().is_none() {
            members.insert(key, value);
            return;
        }
        let inner = members.entry(key).or_insert_with(|| Value::Object(PreferenceDocument::new()));
        if !inner.is_object() {
            *inner = Value::Object(PreferenceDocument::new());
        }
        let Value::Object(inner) = inner else { return };
        members = inner;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract_prefs::MappedValue;
    use serde_json::json;

    fn steps(steps: Value) -> Vec<MigrationStep> {
        serde_json::from_value(steps).unwrap()
    }

    fn led(overrides: Value, locks: &[&str], taken: Value) -> (Value, Vec<String>) {
        let overrides = crate::namespace::store::document(overrides);
        let mut layer = Layer { overrides, locks: locks.iter().map(|lock| (*lock).to_owned()).collect() };
        lead(&mut layer, &steps(taken));
        (Value::Object(layer.overrides), layer.locks)
    }

    #[test]
    fn values_and_locks_go_where_the_steps_say() {
        let (overrides, locks) = led(
            json!({"colour": "night", "size": {"font": 12}, "old": 1, "ä/b": 2}),
            &["/colour", "/size/font", "/old/x", "/older"],
            json!([
                {"op": "move", "from": "/colour", "path": "/look/theme"},
                {"op": "move", "from": "/size", "path": "/sizes"},
                {"op": "remove", "path": "/old"},
                {"op": "move", "from": "/ä~1b", "path": "/c"},
                {"op": "map", "path": "/look/theme", "values": [{"from": "night", "to": "dark"}]},
            ]),
        );
        assert_eq!(overrides, json!({"look": {"theme": "dark"}, "sizes": {"font": 12}, "c": 2}));
        assert_eq!(locks, ["/look/theme", "/sizes/font", "/older"]);
    }

    #[test]
    fn what_is_not_there_is_left_alone() {
        let all = json!([
            {"op": "move", "from": "/a/b", "path": "/c"},
            {"op": "remove", "path": "/d/e"},
            {"op": "map", "path": "/f", "values": [{"from": 1, "to": 2}]},
        ]);
        for overrides in [json!({}), json!({"a": 1, "d": [], "f": "1"}), json!({"a": {"x": 1}, "c": 1})] {
            assert_eq!(led(overrides.clone(), &["/x"], all.clone()), (overrides, vec!["/x".to_owned()]));
        }
    }

    #[test]
    fn steps_that_lead_nowhere_are_refused() {
        let values = |count| vec![MappedValue { from: json!(1), to: json!(2) }; count];
        let moved = |from: &str, path: &str| MigrationStep::Move { from: from.into(), path: path.into() };
        let mapped = |values| MigrationStep::Map { path: "/a".into(), values };
        let secret = MappedValue { from: json!(1), to: json!({"b": ["sk_live_0123456789abcdef"]}) };
        for (step, at, code) in [
            (moved("a", "/b"), "/0/from", "pointer_invalid"),
            (moved("/a", ""), "/0/path", "pointer_invalid"),
            (moved("/a", "/a/b"), "/0/path", "path_inside_itself"),
            (moved("/a", "/password"), "/0/path", "secret_refused"),
            (MigrationStep::Remove { path: "/~2".into() }, "/0/path", "pointer_invalid"),
            (mapped(values(101)), "/0/values", "too_many"),
            (mapped(vec![secret]), "/0/values/0/to/b/0", "secret_refused"),
        ] {
            let found = faults(&[step]);
            assert_eq!((found[0].pointer.as_str(), found[0].code.as_str()), (at, code));
        }
        assert_eq!(faults(&[moved("/a", "/ab"), mapped(values(100))]), []);
        assert_eq!(faults(&vec![moved("/a", "/b"); 51])[0].code, "too_many");
    }
}
