//! How layers merge, where each value comes from, and what a document must fit.

use std::collections::BTreeMap;

use contract_prefs::{PreferenceChange, PreferenceDocument, PreferenceSource};
use problem::FieldError;
use serde_json::Value;

use super::{DocumentError, Held, Layer, Whose, locks};
use crate::namespace::rules::{MOST_BYTES, escape, misfits, size};

/// How a layer is changed.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// These overrides and no others.
    Replace(PreferenceDocument),
    /// As a merge patch says: `null` takes an override back.
    Patch(PreferenceDocument),
    /// Neither overrides nor locks.
    Reset,
    /// These locks and no others.
    Lock(Vec<String>),
    /// As it was in this version.
    Restore(i64),
}

impl Change {
    /// The layer after the change; `earlier` is what a restored version held. It never
    /// holds `null` as a member: that would override with nothing, where nothing
    /// overridden is meant.
    pub(super) fn apply(&self, layer: &Layer, earlier: Layer) -> Layer {
        let Layer { overrides, locks } = layer;
        let with = |overrides| Layer { overrides, locks: locks.clone() };
        match self {
            Self::Replace(document) => with(merge(&PreferenceDocument::new(), document)),
            Self::Patch(patch) => with(merge(overrides, patch)),
            Self::Reset => Layer::default(),
            Self::Lock(locks) => Layer { overrides: overrides.clone(), locks: locks::united(locks, &[]) },
            Self::Restore(_) => earlier,
        }
    }

    /// What the caller wrote down, which must leave alone what is locked.
    pub(super) fn written(&self) -> Option<&PreferenceDocument> {
        match self {
            Self::Replace(document) | Self::Patch(document) => Some(document),
            Self::Reset | Self::Lock(_) | Self::Restore(_) => None,
        }
    }

    /// What the history calls it.
    pub(super) const fn kind(&self) -> PreferenceChange {
        match self {
            Self::Replace(_) => PreferenceChange::Replaced,
            Self::Patch(_) => PreferenceChange::Patched,
            Self::Reset => PreferenceChange::Reset,
            Self::Lock(_) => PreferenceChange::Locked,
            Self::Restore(_) => PreferenceChange::Restored,
        }
    }
}

/// What a layer makes of what lies below it, which it overrides where nothing is locked.
pub(super) fn overlay(
    below: &PreferenceDocument,
    layer: &PreferenceDocument,
    locks: &[String],
) -> PreferenceDocument {
    merge(below, &locks::opened(layer, locks))
}

/// RFC 7396 on objects: objects merge, everything else overrides, `null` removes.
pub(super) fn merge(target: &PreferenceDocument, patch: &PreferenceDocument) -> PreferenceDocument {
    let mut merged = target.clone();
    for (key, value) in patch {
        match value {
            Value::Null => drop(merged.remove(key)),
            Value::Object(inner) => {
                let nothing = PreferenceDocument::new();
                let below = target.get(key).and_then(Value::as_object).unwrap_or(&nothing);
                merged.insert(key.clone(), Value::Object(merge(below, inner)));
            }
            _ => drop(merged.insert(key.clone(), value.clone())),
        }
    }
    merged
}

/// Where each leaf of what holds for the user comes from, by its JSON Pointer. A leaf is
/// whatever is no object, and an object without members.
pub(super) fn provenance(held: &Held) -> BTreeMap<String, PreferenceSource> {
    let chosen =
        |whose| Value::Object(locks::opened(&held.stored(whose).layer.overrides, &held.locks(whose)));
    let (by_user, by_organization) = (chosen(Whose::User), chosen(Whose::Organization));
    let mut sources = BTreeMap::new();
    let layers = Layers { user: Some(&by_user), organization: Some(&by_organization) };
    trace(&Value::Object(held.merged(Whose::User)), layers, "", &mut sources);
    sources.remove("");
    sources
}

/// What each layer says at one place.
#[derive(Clone, Copy)]
struct Layers<'a> {
    user: Option<&'a Value>,
    organization: Option<&'a Value>,
}

impl<'a> Layers<'a> {
    fn below(self, key: &str) -> Self {
        let below = |layer: Option<&'a Value>| layer.and_then(|layer| layer.get(key));
        Self { user: below(self.user), organization: below(self.organization) }
    }

    const fn source(self) -> PreferenceSource {
        match self {
            Self { user: Some(_), .. } => PreferenceSource::User,
            Self { organization: Some(_), .. } => PreferenceSource::Organization,
            Self { .. } => PreferenceSource::System,
        }
    }
}

fn trace(merged: &Value, layers: Layers<'_>, at: &str, sources: &mut BTreeMap<String, PreferenceSource>) {
    match merged {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                trace(value, layers.below(key), &format!("{at}/{}", escape(key)), sources);
            }
        }
        _ => drop(sources.insert(at.to_owned(), layers.source())),
    }
}

/// The merged document, if `layer` may be written: neither too large nor too deep,
/// without secrets, and without `faults` of the schema.
pub(super) fn accept(
    below: &PreferenceDocument,
    layer: &PreferenceDocument,
    locks: &[String],
    faults: impl Fn(&PreferenceDocument) -> Vec<FieldError>,
) -> Result<PreferenceDocument, DocumentError> {
    let merged = overlay(below, layer, locks);
    if size(&merged) > MOST_BYTES || size(layer) > MOST_BYTES {
        return Err(DocumentError::TooLarge);
    }
    let mut found = misfits(layer);
    if found.is_empty() {
        found = faults(&merged);
    }
    if found.is_empty() { Ok(merged) } else { Err(DocumentError::Invalid(found)) }
}

/// What of `layer` still fits a namespace that was replaced since it was written, or
/// another layer below: the overrides at fault are left out, so that nobody is locked out. Where
/// much is at fault, all are: a read must not cost more the worse they fit.
pub(super) fn fitting(
    below: &PreferenceDocument,
    layer: PreferenceDocument,
    locks: &[String],
    faults: impl Fn(&PreferenceDocument) -> Vec<FieldError>,
) -> PreferenceDocument {
    let mut layer = layer;
    for _ in 0..ROUNDS {
        let found = faults(&overlay(below, &layer, locks));
        if found.is_empty() {
            return layer;
        }
        let left = found.iter().filter(|fault| leave_out(&mut layer, &fault.pointer)).count();
        if left == 0 {
            break;
        }
    }
    PreferenceDocument::new()
}

/// How often faults are left out; each time shows 20 of them at most.
const ROUNDS: usize = 8;

/// Removes the override that `pointer` names, or the nearest one above it.
fn leave_out(layer: &mut PreferenceDocument, pointer: &str) -> bool {
    let mut members = layer;
    let mut path = locks::keys(pointer).peekable();
    while let Some(key) = path.next() {
        let deeper = match (path.peek(), members.get(&key)) {
            (Some(next), Some(Value::Object(inner))) => inner.contains_key(next),
            _ => false,
        };
        if !deeper {
            return members.remove(&key).is_some();
        }
        let Some(Value::Object(inner)) = members.get_mut(&key) else { return false };
        members = inner;
    }
    false
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    use crate::document::Stored;

    fn document(value: Value) -> PreferenceDocument {
        crate::namespace::store::document(value)
    }

    /// Any JSON with few keys, so that documents overlap.
    fn any_value(with_null: bool) -> impl Strategy<Value = Value> {
        let null = if with_null { Just(Value::Null) } else { Just(json!(0)) };
        let leaf = prop_oneof![null, any::<bool>().prop_map(Value::from), (0..4).prop_map(Value::from)];
        leaf.prop_recursive(3, 24, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::btree_map("[ab~/]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    pub(crate) fn any_document(with_null: bool) -> impl Strategy<Value = PreferenceDocument> {
        proptest::collection::btree_map("[ab~/]", any_value(with_null), 0..4)
            .prop_map(|members| members.into_iter().collect())
    }

    /// A layer as it is stored.
    pub(crate) fn any_layer() -> impl Strategy<Value = PreferenceDocument> {
        any_document(true).prop_map(|document| merge(&PreferenceDocument::new(), &document))
    }

    /// Both layers over some defaults.
    fn held(defaults: PreferenceDocument, organization: Layer, overrides: PreferenceDocument) -> Held {
        let stored = |layer| Stored { layer, ..Stored::default() };
        Held {
            namespace: "test".parse().unwrap(),
            namespace_version: 1,
            defaults,
            locks: Vec::new(),
            organization: stored(organization),
            user: stored(Layer { overrides, locks: Vec::new() }),
            schema: None,
        }
    }

    fn has_null_member(members: &PreferenceDocument) -> bool {
        members.values().any(|value| match value {
            Value::Null => true,
            Value::Object(inner) => has_null_member(inner),
            _ => false,
        })
    }

    #[test]
    fn a_layer_that_hardly_fits_costs_few_rounds_and_is_left_out() {
        let layer: PreferenceDocument = (0..1000).map(|key| (format!("k{key}"), Value::from(1))).collect();
        let rounds = std::cell::Cell::new(0);
        let twenty = |merged: &PreferenceDocument| {
            rounds.set(rounds.get() + 1);
            let fault = |key: &String| FieldError::new(format!("/{key}"), "wrong_type", "");
            merged.keys().take(20).map(fault).collect()
        };
        assert!(fitting(&PreferenceDocument::new(), layer, &[], twenty).is_empty());
        assert_eq!(rounds.get(), ROUNDS);
    }

    #[test]
    fn the_vectors_of_rfc_7396_hold() {
        // Appendix A, those on objects.
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let merged = merge(&document(target.clone()), &document(patch.clone()));
            assert_eq!(Value::Object(merged), result, "{target} {patch}");
        }
    }

    #[test]
    fn where_a_value_comes_from_is_told_for_every_leaf() {
        let defaults = document(json!({"a": {"b": 1, "c": []}, "d": {}, "g": 1, "h": 1}));
        let locks = vec!["/h".to_owned()];
        let organization = Layer { overrides: document(json!({"a": {"b": 3}, "g": 2, "h": 2})), locks };
        let chosen = document(json!({"a": {"b": 1}, "e/f": [1], "h": 3}));
        let sources = provenance(&held(defaults, organization, chosen));
        let wanted = json!({"/a/b": "user", "/a/c": "system", "/d": "system", "/e~1f": "user",
            "/g": "organization", "/h": "organization"});
        assert_eq!(serde_json::to_value(sources).unwrap(), wanted);
    }

    #[test]
    fn what_no_longer_fits_is_left_out_and_nothing_else() {
        let defaults = document(json!({"a": 1, "b": {"c": 1}}));
        let layer = document(json!({"a": 2, "b": {"c": 2, "x": 1}, "y": {"z": 1}}));
        let unknown = |merged: &PreferenceDocument| {
            let unknown = ["/b/x", "/y"].into_iter();
            let there = |pointer: &&str| Value::Object(merged.clone()).pointer(pointer).is_some();
            unknown.filter(there).map(|pointer| FieldError::new(pointer, "unknown_key", "")).collect()
        };
        assert_eq!(Value::Object(fitting(&defaults, layer, &[], unknown)), json!({"a": 2, "b": {"c": 2}}));
    }

    #[test]
    fn a_fault_of_the_whole_leaves_the_whole_out() {
        let layer = document(json!({"a": 1}));
        let whole = |merged: &PreferenceDocument| {
            merged.keys().take(1).map(|_| FieldError::new("", "too_many", "")).collect()
        };
        assert!(fitting(&PreferenceDocument::new(), layer, &[], whole).is_empty());
    }

    proptest! {
        #[test]
        fn a_layer_never_holds_null(layer in any_layer(), patch in any_document(true)) {
            prop_assert!(!has_null_member(&layer));
            let layer = Layer { overrides: layer, locks: Vec::new() };
            for change in [Change::Patch(patch.clone()), Change::Replace(patch)] {
                prop_assert!(!has_null_member(&change.apply(&layer, Layer::default()).overrides));
            }
        }

        #[test]
        fn no_null_comes_out_that_the_defaults_do_not_have(defaults in any_document(false), layer in any_layer()) {
            prop_assert!(!has_null_member(&merge(&defaults, &layer)));
        }

        #[test]
        fn nothing_chosen_is_the_defaults(defaults in any_document(true)) {
            prop_assert_eq!(merge(&defaults, &PreferenceDocument::new()), defaults);
        }

        #[test]
        fn merging_twice_is_merging_once(defaults in any_document(true), layer in any_layer()) {
            let once = merge(&defaults, &layer);
            prop_assert_eq!(merge(&once, &layer), once);
        }

        #[test]
        fn taking_a_choice_back_gives_the_inherited_value(defaults in any_document(true), layer in any_layer()) {
            let back: PreferenceDocument = layer.keys().map(|key| (key.clone(), Value::Null)).collect();
            let layer = merge(&layer, &back);
            prop_assert_eq!(merge(&defaults, &layer), defaults);
        }

        #[test]
        fn every_leaf_has_a_source_which_is_the_topmost_layer_that_says_it(
            defaults in any_document(true),
            organization in any_layer(),
            layer in any_layer(),
        ) {
            let by_organization = Value::Object(organization.clone());
            let held = held(defaults, Layer { overrides: organization, locks: Vec::new() }, layer);
            let merged = Value::Object(held.merged(Whose::User));
            let chosen = Value::Object(held.user.layer.overrides.clone());
            let sources = provenance(&held);
            let is_leaf = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
            for (pointer, source) in &sources {
                prop_assert!(merged.pointer(pointer).is_some_and(is_leaf), "{}", pointer);
                let wanted = match (chosen.pointer(pointer), by_organization.pointer(pointer)) {
                    (Some(_), _) => PreferenceSource::User,
                    (None, Some(_)) => PreferenceSource::Organization,
                    (None, None) => PreferenceSource::System,
                };
                prop_assert_eq!(*source, wanted, "{}", pointer);
            }
            prop_assert_eq!(sources.len(), members(&merged).map(leaves).sum::<usize>());
        }

        #[test]
        fn whatever_is_at_fault_something_that_fits_is_left(layer in any_layer(), limit in 0_usize..4) {
            // A schema that allows so many members at most, and no key `a` below the top.
            let faults = |merged: &PreferenceDocument| {
                let mut found: Vec<_> = merged.iter()
                    .filter(|(_, value)| value.get("a").is_some())
                    .map(|(key, _)| FieldError::new(format!("/{}/a", escape(key)), "unknown_key", ""))
                    .collect();
                if merged.len() > limit {
                    found.push(FieldError::new("", "too_many", ""));
                }
                found
            };
            let left = fitting(&PreferenceDocument::new(), layer, &[], faults);
            prop_assert!(faults(&left).is_empty());
        }
    }

    fn members(value: &Value) -> impl Iterator<Item = &Value> {
        value.as_object().into_iter().flat_map(serde_json::Map::values)
    }

    fn leaves(value: &Value) -> usize {
        members(value).map(leaves).sum::<usize>().max(1)
    }
}
