//! How several OpenAPI documents become one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Adds to `whole` the paths, tags and components of `service`'s document. Of two
/// components that differ under one name the later is renamed: `prefs.Page`.
pub(crate) fn merge(whole: &mut Value, service: &str, mut document: Value) {
    let renamed = conflicts(whole, service, &document);
    rename(&mut document, &renamed);
    for part in ["paths", "components"] {
        let addition = document.get_mut(part).map(Value::take).unwrap_or_default();
        let depth = if part == "paths" { 1 } else { 2 };
        add(member(whole, part), addition, depth);
    }
    let tags = document.get_mut("tags").map(Value::take).unwrap_or_default();
    if let (Value::Array(tags), Some(whole)) = (tags, whole.as_object_mut()) {
        let known = whole.entry("tags").or_insert_with(|| json!([]));
        let Value::Array(known) = known else { return };
        for tag in tags {
            if !known.contains(&tag) {
                known.push(tag);
            }
        }
    }
}

/// The components of `document` that `whole` has with another meaning, as pointers,
/// old to new.
fn conflicts(whole: &Value, service: &str, document: &Value) -> BTreeMap<String, String> {
    let mut renamed = BTreeMap::new();
    let nothing = Map::new();
    let kinds = document["components"].as_object().unwrap_or(&nothing);
    for (kind, components) in kinds {
        for (name, component) in components.as_object().unwrap_or(&nothing) {
            let there = &whole["components"][kind][name];
            if !there.is_null() && there != component {
                let old = format!("#/components/{kind}/{name}");
                renamed.insert(old, format!("#/components/{kind}/{service}.{name}"));
            }
        }
    }
    renamed
}

/// Gives components their new names, and every reference to them.
fn rename(document: &mut Value, renamed: &BTreeMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    for (old, new) in renamed {
        let (old, new) = (old.rsplit('/').next(), new.trim_start_matches("#/components/").split_once('/'));
        if let (Some(old), Some((kind, new))) = (old, new)
            && let Some(components) = document["components"][kind].as_object_mut()
            && let Some(component) = components.remove(old)
        {
            components.insert(new.to_owned(), component);
        }
    }
    point(document, renamed);
}

fn point(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(new) = renamed.get(reference)
            {
                reference.clone_from(new);
            }
            members.values_mut().for_each(|value| point(value, renamed));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| point(value, renamed)),
        _ => {}
    }
}

/// Adds the members of `addition` that are not there yet, `depth` levels deep.
fn add(whole: &mut Value, addition: Value, depth: u8) {
    let (Value::Object(whole), Value::Object(addition)) = (whole, addition) else { return };
    for (name, value) in addition {
        match whole.get_mut(&name) {
            Some(there) if depth > 1 => add(there, value, depth - 1),
            Some(_) => {}
            None => drop(whole.insert(name, value)),
        }
    }
}

/// The object `name` of `whole`, made if it is missing.
fn member<'a>(whole: &'a mut Value, name: &str) -> &'a mut Value {
    if !whole[name].is_object() {
        whole[name] = json!({});
    }
    &mut whole[name]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(path: &str, page: &Value) -> Value {
        json!({
            "paths": { path: { "get": { "schema": { "$ref": "#/components/schemas/Page" } } } },
            "components": { "schemas": { "Page": page, "Problem": { "type": "object" } } },
            "tags": [{ "name": "Jobs" }, { "name": path }],
        })
    }

    #[test]
    fn what_is_the_same_is_shared_and_what_differs_is_renamed() {
        let mut whole = json!({ "openapi": "3.1.0", "paths": {} });
        merge(&mut whole, "auth", document("/a", &json!({ "type": "object" })));
        merge(
            &mut whole,
            "prefs",
            document("/b", &json!({ "type": "array", "items": { "$ref": "#/components/schemas/Page" } })),
        );
        let schemas = whole["components"]["schemas"].as_object().unwrap();
        assert_eq!(schemas.keys().collect::<Vec<_>>().len(), 3, "{schemas:?}");
        assert_eq!(whole["paths"]["/a"]["get"]["schema"]["$ref"], "#/components/schemas/Page");
        assert_eq!(whole["paths"]["/b"]["get"]["schema"]["$ref"], "#/components/schemas/prefs.Page");
        assert_eq!(schemas["prefs.Page"]["items"]["$ref"], "#/components/schemas/prefs.Page");
        assert_eq!(whole["tags"], json!([{ "name": "Jobs" }, { "name": "/a" }, { "name": "/b" }]));
    }

    #[test]
    fn nonsense_adds_nothing() {
        let mut whole = json!({ "paths": {} });
        for nonsense in
            [json!(null), json!([]), json!("x"), json!({ "paths": 1, "components": [], "tags": {} })]
        {
            merge(&mut whole, "auth", nonsense);
        }
        assert_eq!(whole["paths"], json!({}));
    }
}
