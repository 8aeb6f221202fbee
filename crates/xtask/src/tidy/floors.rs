//! A crate depends only on crates of strictly lower floors, and no service on another service.

use super::fault::Fault;
use super::tree::Tree;
use crate::workspace::{Dependency, Member, Workspace};

/// What a contract must not depend on: it holds shapes and a client, never rows or a server.
const NOT_IN_A_CONTRACT: [&str; 3] = ["actix-web", "diesel", "diesel-async"];

pub(crate) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for member in &workspace.members {
        let text = tree.text(&member.manifest).unwrap_or_default();
        if member.floor().is_none() {
            let advice = "declare its floor: [package.metadata.architecture] floor = N (see ARCHITECTURE.md)";
            faults.push(Fault::new("floors", &member.manifest, 1, advice));
        }
        for dependency in &member.dependencies {
            let line = line_of(text, &dependency.name);
            let advice = advice(workspace, member, dependency);
            faults.extend(advice.map(|advice| Fault::new("floors", &member.manifest, line, advice)));
        }
    }
    faults
}

/// What is wrong with a dependency, if anything is.
fn advice(workspace: &Workspace, member: &Member, dependency: &Dependency) -> Option<String> {
    let name = &dependency.name;
    if member.is_contract() && NOT_IN_A_CONTRACT.contains(&name.as_str()) {
        return Some(format!("a contract is shapes and a client; `{name}` belongs to the service"));
    }
    let other = workspace.member(name)?;
    if member.is_service() && other.is_service() {
        return Some(format!(
            "a service does not depend on service `{name}`: call it through contract-{name}"
        ));
    }
    let (own, others) = (member.floor()?, other.floor()?);
    (!dependency.is_for_tests() && others >= own).then(|| {
        format!("floor {own} depends on `{name}` of floor {others}: only strictly lower floors are below it")
    })
}

/// The line of a manifest that names a dependency; 1 if none does.
fn line_of(manifest: &str, name: &str) -> usize {
    let names = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    manifest.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample::{member, workspace};

    fn faults(members: Vec<Member>) -> Vec<Fault> {
        check(&workspace(members), &Tree::default())
    }

    #[test]
    fn every_member_declares_its_floor() {
        assert_eq!(faults(vec![member("crates/ids", "ids", None, &[])]).len(), 1);
    }

    #[test]
    fn dependencies_point_strictly_down() {
        let of_floors = |own, others, name| {
            let low = member("crates/ids", "ids", Some(others), &[]);
            faults(vec![low, member("crates/problem", "problem", Some(own), &[name])]).len()
        };
        assert_eq!(of_floors(1, 0, "ids"), 0);
        assert_eq!(of_floors(1, 1, "ids"), 1);
        assert_eq!(of_floors(0, 1, "ids"), 1);
        assert_eq!(of_floors(0, 1, "build:ids"), 1);
        assert_eq!(of_floors(0, 1, "dev:ids"), 0);
    }

    #[test]
    fn no_service_depends_on_another_not_even_in_its_tests() {
        let auth = || member("services/auth", "auth", Some(4), &[]);
        let with =
            |dependency| faults(vec![auth(), member("services/prefs", "prefs", Some(4), &[dependency])]);
        assert_eq!(with("auth").len(), 1);
        assert_eq!(with("dev:auth").len(), 1);
        assert_eq!(faults(vec![auth(), member("services/monolith", "plinth", Some(5), &["auth"])]), []);
    }

    #[test]
    fn a_contract_knows_neither_server_nor_rows() {
        let contract = member("crates/contracts/auth", "contract-auth", Some(2), &["diesel", "serde"]);
        assert_eq!(faults(vec![contract]).len(), 1);
    }

    #[test]
    fn a_fault_points_to_the_line_of_the_manifest() {
        assert_eq!(line_of("[dependencies]\nids-more = \"1\"\nids.workspace = true\n", "ids"), 3);
        assert_eq!(line_of("[dependencies]\n", "ids"), 1);
    }
}
