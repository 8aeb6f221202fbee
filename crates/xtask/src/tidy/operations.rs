//! An operation id names one operation of all services: the merged document and generated clients need it.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::tree::Tree;
use crate::openapi::{Operation, operations};

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (path, text) in tree.files().filter(|(path, _)| is_document(path)) {
        let Ok(document) = serde_json::from_str(text) else {
            faults.push(Fault::new("operations", path, 1, "this is no JSON: cargo xtask openapi write"));
            continue;
        };
        for operation in operations(&document) {
            let place = format!("{operation} of {path}");
            let advice = match &operation.id {
                None => format!("{operation} has no operationId: name it verb_noun, such as create_endpoint"),
                Some(id) => match seen.insert(id.clone(), place) {
                    Some(other) => format!("{operation} has the operationId `{id}` of {other}"),
                    None => continue,
                },
            };
            faults.push(Fault::new("operations", path, line_of(text, &operation), advice));
        }
    }
    faults
}

fn is_document(path: &str) -> bool {
    path.starts_with("services/") && path.ends_with("/openapi.json")
}

fn line_of(text: &str, operation: &Operation) -> usize {
    let key = format!("\"{}\"", operation.id.as_deref().unwrap_or(&operation.path));
    text.lines().position(|line| line.contains(&key)).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTH: &str = r#"{"paths": {"/a": {"get": {"operationId": "read_a"}, "parameters": []}}}"#;

    fn with(prefs: &str) -> Vec<Fault> {
        check(&Tree::of(&[("services/auth/openapi.json", AUTH), ("services/prefs/openapi.json", prefs)]))
    }

    #[test]
    fn an_operation_id_is_used_once() {
        assert_eq!(with(r#"{"paths": {"/b": {"get": {"operationId": "read_b"}}}}"#), []);
        assert_eq!(with(r#"{"paths": {"/b": {"get": {"operationId": "read_a"}}}}"#).len(), 1);
    }

    #[test]
    fn every_operation_has_one_and_the_document_is_json() {
        assert_eq!(with(r#"{"paths": {"/b": {"post": {}}}}"#).len(), 1);
        assert_eq!(with("").len(), 1);
    }
}
