//! What the contracts say that there is, and whether it is true.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use contract_events::EventType;
use serde_json::Value;

/// The contract crates whose events there are, with their catalogues.
fn catalogues() -> Vec<(&'static str, Vec<EventType>)> {
    vec![
        ("auth", contract_auth::events::catalogue()),
        ("prefs", contract_prefs::events::catalogue()),
        ("webhook", contract_webhook::events::catalogue()),
    ]
}

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts")
}

/// The types that implement `Event` in a contract's `src/events.rs` and `src/events/`.
fn declared(contract: &Path) -> usize {
    let parts = fs::read_dir(contract.join("src/events")).into_iter().flatten();
    let parts = parts.map(|part| part.unwrap().path()).chain([contract.join("src/events.rs")]);
    let source: String = parts.map(|file| fs::read_to_string(file).unwrap_or_default()).collect();
    source.lines().filter(|line| line.starts_with("impl Event for ")).count()
}

#[test]
fn every_event_of_every_contract_is_listed() {
    let listed: BTreeSet<_> =
        catalogues().into_iter().map(|(contract, types)| (contract.to_owned(), types.len())).collect();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(contracts()).unwrap() {
        let folder = entry.unwrap().path();
        let count = declared(&folder);
        if count > 0 {
            found.insert((folder.file_name().unwrap().to_str().unwrap().to_owned(), count));
        }
    }
    assert_eq!(listed, found, "list them in the contract's `catalogue()`, and the contract here");
}

#[test]
fn names_are_unique_and_examples_fit_their_schemas() {
    let types: Vec<_> = catalogues().into_iter().flat_map(|(_, types)| types).collect();
    let names: BTreeSet<_> = types.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), types.len(), "{names:?}");
    for EventType { name, schema, example, description, .. } in types {
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        assert!(validator.is_valid(&example), "{name}: {example} {schema}");
        assert!(description.ends_with('.') && name.contains('.'), "{name}: {description}");
    }
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md")
}

#[test]
fn the_page_of_events_is_the_one_in_the_repository() {
    let written = fs::read_to_string(page()).unwrap_or_default();
    let advice = "docs/events.md is out of date: cargo test -p events -- --ignored write_the_page";
    assert!(written == page_of(&catalogues()), "{advice}");
}

#[test]
#[ignore = "it writes docs/events.md"]
fn write_the_page_of_events() {
    fs::write(page(), page_of(&catalogues())).unwrap();
}

fn page_of(catalogues: &[(&str, Vec<EventType>)]) -> String {
    let mut page = String::from(
        "# Events\n\nWhat services tell each other, and what a customer may have delivered where it says *public*. \
         Made from the contracts by the\ntests of `crates/events`: change a contract's `src/events.rs`, then\n`cargo test -p events -- --ignored write_the_page`.\n",
    );
    for (publisher, types) in catalogues {
        page.push_str(&format!("\n## {publisher}\n"));
        for EventType { name, description, public, schema, example } in types {
            let reach = if *public { "public" } else { "inside only" };
            page.push_str(&format!("\n### `{name}`\n{description} *{reach}*\n\n"));
            page.push_str("| field | | |\n|---|---|---|\n");
            page.push_str(&fields(schema));
            page.push_str(&format!("\n```json\n{}\n```\n", serde_json::to_string_pretty(example).unwrap()));
        }
    }
    page
}

fn fields(schema: &Value) -> String {
    let members = schema["properties"].as_object().unwrap();
    let row = |(name, member): (&String, &Value)| {
        let text = member["description"].as_str().unwrap_or_default().replace('\n', " ");
        format!("| `{name}` | {} | {text} |\n", kind(schema, member))
    };
    members.iter().map(row).collect()
}

/// `string`, `integer`, or what a reference leads to.
fn kind(schema: &Value, member: &Value) -> String {
    let target = member["$ref"].as_str().or_else(|| member["oneOf"][1]["$ref"].as_str());
    let target = target.and_then(|target| target.strip_prefix("#/$defs/"));
    let of = target.map_or(member, |name| &schema["$defs"][name]);
    match &of["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "object".to_owned(),
    }
}
