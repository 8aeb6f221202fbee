//! Every crate and service explains itself in a README, and takes the workspace's lints.

use super::fault::Fault;
use super::tree::Tree;
use crate::workspace::Workspace;

pub(crate) fn check(workspace: &Workspace, tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for member in &workspace.members {
        let readme = format!("{}/README.md", member.folder());
        if tree.text(&readme).is_none_or(|text| text.trim().is_empty()) {
            faults.push(Fault::new(
                "readme",
                &readme,
                1,
                "write what it owns, what it refuses and how it is used",
            ));
        }
        let manifest = tree.text(&member.manifest).unwrap_or_default();
        if !inherits_lints(manifest) {
            let advice = "take the workspace's lints: [lints] workspace = true";
            faults.push(Fault::new("lints", &member.manifest, 1, advice));
        }
    }
    faults
}

fn inherits_lints(manifest: &str) -> bool {
    manifest
        .split_once("[lints]")
        .is_some_and(|(_, after)| after.trim_start().starts_with("workspace = true"))
        || manifest.lines().any(|line| line.trim() == "lints.workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample::{member, workspace};

    #[test]
    fn readme_and_lints_are_required() {
        let workspace = workspace(vec![member("crates/ids", "ids", Some(0), &[])]);
        let rules = |files: &[(&str, &str)]| {
            let faults = check(&workspace, &Tree::of(files));
            faults.iter().map(|fault| fault.rule).collect::<Vec<_>>()
        };
        let manifest = ("crates/ids/Cargo.toml", "[lints]\nworkspace = true\n");
        assert_eq!(rules(&[]), ["readme", "lints"]);
        assert_eq!(rules(&[manifest, ("crates/ids/README.md", " \n")]), ["readme"]);
        assert_eq!(rules(&[manifest, ("crates/ids/README.md", "# ids\n")]), [""; 0]);
    }
}
