//! `cargo xtask openapi`: each service's `openapi.json` is what the service prints.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use crate::workspace::{Member, Workspace};

/// Differences that are printed of one document; the rest is counted.
const SHOWN: usize = 12;

/// What to do with the documents.
#[derive(Clone, Copy, clap::Subcommand)]
pub(crate) enum Verb {
    /// Fail if a document differs from what its service prints
    Check,
    /// Write the documents that differ
    Write,
}

/// A route of a document.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operation {
    pub(crate) path: String,
    /// In lower case, as OpenAPI writes it.
    pub(crate) method: String,
    pub(crate) id: Option<String>,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.to_uppercase(), self.path)
    }
}

/// Builds the services and compares or writes their documents.
pub(crate) fn run(workspace: &Workspace, verb: Verb) -> Result<()> {
    build(workspace)?;
    let mut differing = Vec::new();
    for service in workspace.services() {
        if !settle(workspace, service, verb)? {
            differing.push(service.name.as_str());
        }
    }
    ensure!(differing.is_empty(), "openapi: {} differ: cargo xtask openapi write", differing.join(", "));
    Ok(())
}

/// All routes of an OpenAPI document.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let nothing = Map::new();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap_or(&nothing) {
        let methods = item.as_object().unwrap_or(&nothing).iter();
        for (method, operation) in methods.filter(|(method, _)| METHODS.contains(&method.as_str())) {
            let id = operation["operationId"].as_str().map(Into::into);
            operations.push(Operation { path: path.clone(), method: method.clone(), id });
        }
    }
    operations
}

/// Tags that operations have and the document does not describe.
fn undescribed_tags(document: &Value) -> Vec<&str> {
    let described = document["tags"].as_array().into_iter().flatten();
    let described: BTreeSet<_> = described.filter_map(|tag| tag["name"].as_str()).collect();
    let items = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(Map::values);
    let used = operations.filter_map(|operation| operation["tags"].as_array()).flatten();
    let used: BTreeSet<_> = used.filter_map(Value::as_str).collect();
    used.difference(&described).copied().collect()
}

fn build(workspace: &Workspace) -> Result<()> {
    let packages = workspace.services().flat_map(|service| ["-p", service.name.as_str()]);
    let built = Command::new("cargo").args(["build", "-q", "--bins"]).args(packages).status()?;
    ensure!(built.success(), "the services do not build");
    Ok(())
}

/// Is the document of a service what the service prints? Writing makes it so.
fn settle(workspace: &Workspace, service: &Member, verb: Verb) -> Result<bool> {
    let path = format!("{}/openapi.json", service.folder());
    let printed = print(workspace, service)?;
    let now = serde_json::from_str(&printed).with_context(|| format!("{} printed no JSON", service.name))?;
    let nameless = undescribed_tags(&now);
    ensure!(nameless.is_empty(), "{path}: no description for the tags {}", nameless.join(", "));
    let file = workspace.root.join(&path);
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let before = serde_json::from_str(&text).unwrap_or(Value::Null);
    // Compared by value: the order of keys depends on the features that a build unifies.
    let differences = differences(&before, &now);
    if differences.is_empty() {
        println!("{path}: {} operations, up to date", operations(&now).len());
        return Ok(true);
    }
    println!("{path}: differs from what {} prints", service.name);
    for difference in differences.iter().take(SHOWN) {
        println!("  {difference}");
    }
    if let more @ 1.. = differences.len().saturating_sub(SHOWN) {
        println!("  … and {more} more");
    }
    match verb {
        Verb::Check => return Ok(false),
        Verb::Write => std::fs::write(&file, printed)?,
    }
    Ok(true)
}

fn print(workspace: &Workspace, service: &Member) -> Result<String> {
    let binary = workspace.target.join("debug").join(&service.name);
    let output = Command::new(&binary).arg("openapi").output()?;
    if !output.status.success() {
        bail!("{} openapi: {}", service.name, String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(format!("{}\n", text.trim_end()))
}

/// Where two documents differ, as JSON pointers with what happened there.
fn differences(before: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, now, &mut found);
    found
}

fn compare(pointer: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    let (Some(olds), Some(news)) = (before.as_object(), now.as_object()) else {
        if before != now {
            found.push(format!("changed {pointer}"));
        }
        return;
    };
    let below = |key: &String| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    for (key, old) in olds {
        match news.get(key) {
            Some(new) => compare(&below(key), old, new, found),
            None => found.push(format!("removed {}", below(key))),
        }
    }
    let added = news.keys().filter(|key| !olds.contains_key(*key));
    found.extend(added.map(|key| format!("added {}", below(key))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_are_methods_of_paths() {
        let document = json!({"paths": {"/a/{id}": {
            "parameters": [], "get": {"operationId": "read_a"}, "delete": {}
        }}});
        let mut lines: Vec<_> = operations(&document).iter().map(ToString::to_string).collect();
        lines.sort();
        assert_eq!(lines, ["DELETE /a/{id}", "GET /a/{id}"]);
    }

    #[test]
    fn every_tag_is_described() {
        let paths = json!({"/a": {"get": {"tags": ["A"]}, "put": {"tags": ["B", "A"]}, "parameters": []}});
        let document = json!({"paths": paths, "tags": [{"name": "A"}]});
        assert_eq!(undescribed_tags(&document), ["B"]);
        assert_eq!(undescribed_tags(&json!({"paths": paths})), ["A", "B"]);
        assert_eq!(undescribed_tags(&json!({})), [""; 0]);
    }

    #[test]
    fn differences_name_the_place() {
        let before = json!({"paths": {"/a": {"get": 1}}, "gone": 1});
        let now = json!({"paths": {"/a": {"get": 2, "put": 1}}});
        let mut found = differences(&before, &now);
        found.sort();
        assert_eq!(found, ["added /paths/~1a/put", "changed /paths/~1a/get", "removed /gone"]);
        assert_eq!(differences(&now, &now), [""; 0]);
    }

    #[test]
    fn the_order_of_keys_is_no_difference() {
        let read = |text| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(differences(&read(r#"{"a":1,"b":2}"#), &read(r#"{"b":2,"a":1}"#)), [""; 0]);
    }
}
