//! `cargo xtask ls-apis`: who calls whom, and which routes each service answers.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::openapi::operations;
use crate::workspace::{Member, Workspace};

/// Prints callers by contract, then routes by service.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    println!("Who calls whom (a contract and the services that depend on it)");
    for contract in workspace.members.iter().filter(|member| member.is_contract()) {
        println!("  {:<16} {}", contract.name, joined(&callers(workspace, contract)));
    }
    for service in workspace.services() {
        println!("\n{}", service.name);
        for route in routes(workspace, service)? {
            println!("  {route}");
        }
    }
    Ok(())
}

/// The services that depend on a contract other than their own, tests aside.
fn callers<'a>(workspace: &'a Workspace, contract: &Member) -> Vec<&'a str> {
    let own = contract.name.strip_prefix("contract-").unwrap_or_default();
    let calls = |service: &&Member| {
        let mut needed = service.dependencies.iter().filter(|dependency| !dependency.is_for_tests());
        service.name != own && needed.any(|dependency| dependency.name == contract.name)
    };
    workspace.services().filter(calls).map(|service| service.name.as_str()).collect()
}

fn joined(names: &[&str]) -> String {
    if names.is_empty() { "called by nobody".into() } else { format!("called by {}", names.join(", ")) }
}

fn routes(workspace: &Workspace, service: &Member) -> Result<Vec<String>> {
    let path = workspace.root.join(service.folder()).join("openapi.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(vec!["no openapi.json yet: cargo xtask openapi write".into()]);
    };
    let document: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    let mut operations = operations(&document);
    operations.sort();
    let line = |operation: &crate::openapi::Operation| {
        let (method, id) = (operation.method.to_uppercase(), operation.id.as_deref().unwrap_or_default());
        format!("{method:<7} {:<48} {id}", operation.path)
    };
    Ok(operations.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample::{member, workspace};

    #[test]
    fn callers_are_other_services_that_need_the_contract() {
        let workspace = workspace(vec![
            member("crates/contracts/auth", "contract-auth", Some(2), &[]),
            member("services/auth", "auth", Some(4), &["contract-auth"]),
            member("services/gateway", "gateway", Some(4), &["contract-auth"]),
            member("services/prefs", "prefs", Some(4), &["dev:contract-auth"]),
        ]);
        assert_eq!(callers(&workspace, &workspace.members[0]), ["gateway"]);
    }
}
