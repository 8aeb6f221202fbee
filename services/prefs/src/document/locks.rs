//! Locks: JSON Pointers (RFC 6901) of what a layer above must leave as it is. A lock
//! holds its value with all below it, also where there is none.

use contract_prefs::PreferenceDocument;
use problem::FieldError;
use serde_json::Value;

use crate::namespace::rules::escape;

/// The most locks of one layer.
const MOST: usize = 100;

/// The most characters of a pointer.
const LONGEST: usize = 500;

/// The keys that a pointer leads through.
pub(crate) fn keys(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"))
}

/// Whether it is a pointer into a document, and not to the whole.
pub(crate) fn is_pointer(text: &str) -> bool {
    let escaped = |part: &str| part.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.starts_with('/') && text.len() <= LONGEST && text.split('/').all(escaped)
}

/// What keeps `locks` from being taken: what is no pointer, or names no key that is known.
/// Pointers are into the list.
pub(crate) fn faults(locks: &[String], is_known: impl Fn(&str) -> bool) -> Vec<FieldError> {
    if locks.len() > MOST {
        return vec![FieldError::new("", "too_many", format!("at most {MOST} locks are wanted"))];
    }
    let fault = |(index, lock): (usize, &String)| {
        let (code, detail) = match lock {
            lock if !is_pointer(lock) => ("pointer_invalid", "a JSON Pointer is wanted, such as `/theme`"),
            lock if !is_known(lock) => ("unknown_key", "there is no such key"),
            _ => return None,
        };
        Some(FieldError::new(format!("/{index}"), code, detail))
    };
    locks.iter().enumerate().filter_map(fault).collect()
}

/// Both lists as one, in order, nothing twice.
pub(crate) fn united(some: &[String], others: &[String]) -> Vec<String> {
    let mut all = [some, others].concat();
    all.sort();
    all.dedup();
    all
}

/// The layer without what `locks` keep it from overriding.
pub(crate) fn opened(layer: &PreferenceDocument, locks: &[String]) -> PreferenceDocument {
    let mut left = layer.clone();
    for lock in locks {
        if let Some(at) = touched(&left, lock) {
            take(&mut left, &at);
        }
    }
    left
}

/// What of `written` would override something locked, each place once.
pub(crate) fn refusals(written: &PreferenceDocument, locks: &[String]) -> Vec<FieldError> {
    let mut places: Vec<String> = locks.iter().filter_map(|lock| touched(written, lock)).collect();
    places.sort();
    places.dedup();
    places
        .into_iter()
        .map(|at| FieldError::new(at, "key_locked", "it is locked and keeps its value"))
        .collect()
}

/// Where in `layer` something stands that overrides what `lock` holds: there, or above it
/// something that is no object. `null` overrides nothing.
fn touched(layer: &PreferenceDocument, lock: &str) -> Option<String> {
    let mut members = layer;
    let mut at = String::new();
    let mut path = keys(lock).peekable();
    while let Some(key) = path.next() {
        at = format!("{at}/{}", escape(&key));
        match members.get(&key) {
            None | Some(Value::Null) => return None,
            Some(Value::Object(inner)) if path.peek().is_some() => members = inner,
            Some(_) => return Some(at),
        }
    }
    None
}

/// Takes away what a pointer names; gives it.
pub(crate) fn take(document: &mut PreferenceDocument, pointer: &str) -> Option<Value> {
    let mut members = document;
    let mut path = keys(pointer).peekable();
    while let Some(key) = path.next() {
        if path.peek().is_none() {
            return members.remove(&key);
        }
        members = members.get_mut(&key)?.as_object_mut()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::document::rules::{
        merge, overlay,
        tests::{any_document, any_layer},
    };

    fn document(value: Value) -> PreferenceDocument {
        crate::namespace::store::document(value)
    }

    fn any_locks() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("(/[ab]){1,3}", 0..4)
    }

    fn at<'a>(members: &'a Value, lock: &str) -> Option<&'a Value> {
        keys(lock).try_fold(members, |value, key| value.as_object()?.get(&key))
    }

    #[test]
    fn what_is_locked_is_named_where_it_is_overridden() {
        let locks = ["/a/b".to_owned(), "/c".to_owned(), "/d/e/f".to_owned()];
        let pointers = |written: Value| -> Vec<String> {
            refusals(&document(written), &locks).into_iter().map(|fault| fault.pointer).collect()
        };
        assert_eq!(pointers(json!({"a": {"b": 1}, "c": {"x": 1}})), ["/a/b", "/c"]);
        assert_eq!(pointers(json!({"a": 1, "d": {"e": []}})), ["/a", "/d/e"]);
        assert_eq!(
            pointers(json!({"a": {"x": 1, "b": null}, "c": null, "d": {"e": {}}})),
            Vec::<String>::new()
        );
    }

    #[test]
    fn pointers_are_those_of_rfc_6901() {
        for good in ["/a", "/a/b", "/a~0b/c~1d", "/", "/ä"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["", "a", "a/b", "/a~", "/a~2", "/~", &format!("/{}", "x".repeat(LONGEST))] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_locked_keeps_its_value_whatever_the_layer(
            below in any_document(false), layer in any_layer(), locks in any_locks(),
        ) {
            let merged = Value::Object(overlay(&below, &layer, &locks));
            let below = Value::Object(below);
            for lock in &locks {
                prop_assert_eq!(at(&merged, lock), at(&below, lock), "{}", lock);
            }
        }

        #[test]
        fn what_is_not_locked_is_overridden_as_if_there_were_no_locks(
            below in any_document(false), layer in any_layer(), locks in any_locks(),
        ) {
            let merged = overlay(&below, &layer, &locks);
            let free = merge(&below, &layer);
            for key in ["a", "b", "~", "/"] {
                let concerned = |lock: &String| keys(lock).next().as_deref() == Some(key);
                if !locks.iter().any(concerned) {
                    prop_assert_eq!(merged.get(key), free.get(key));
                }
            }
            if refusals(&layer, &locks).is_empty() {
                prop_assert_eq!(merged, free);
            }
        }

        #[test]
        fn a_layer_that_is_opened_overrides_nothing_locked_and_opening_twice_is_opening_once(
            layer in any_layer(), locks in any_locks(),
        ) {
            let open = opened(&layer, &locks);
            prop_assert!(refusals(&open, &locks).is_empty());
            prop_assert_eq!(opened(&open, &locks), open);
        }
    }
}
