//! Names say what a thing is. A package is named after its folder.

use super::fault::Fault;
use super::source::Source;
use super::tree::Tree;
use crate::workspace::{Member, Workspace};

/// Names that say nothing: whatever is put there belongs to a noun.
const EMPTY: [&str; 8] = ["common", "util", "utils", "helper", "helpers", "manager", "managers", "misc"];

/// What others have called theirs.
const PRODUCTS: [&str; 1] = ["cert-manager"];

/// Files and folders.
pub(crate) fn check_path(path: &str, _text: &str) -> Vec<Fault> {
    let ours = path.split('/').filter(|part| !PRODUCTS.iter().any(|product| part.contains(product)));
    let found = ours.filter_map(|part| part.split('.').next()).find_map(empty_word);
    found.map(|word| fault(path, 1, word)).into_iter().collect()
}

/// Modules.
pub(crate) fn check_modules(path: &str, source: &Source) -> Vec<Fault> {
    let module = |code: &str| {
        let (_, after) =
            code.split_once("mod ").filter(|(before, _)| before.is_empty() || before.ends_with(' '))?;
        empty_word(after.split([' ', ';', '{']).next()?)
    };
    source.lines().filter_map(|(line, code)| Some(fault(path, line, module(code)?))).collect()
}

/// Packages.
pub(crate) fn check_packages(workspace: &Workspace, _tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for member in &workspace.members {
        let expected = expected_name(member);
        if member.name != expected {
            let advice = format!("package `{}` is named after its folder: `{expected}`", member.name);
            faults.push(Fault::new("names", &member.manifest, 1, advice));
        }
    }
    faults
}

fn expected_name(member: &Member) -> String {
    let folder = member.folder().rsplit('/').next().unwrap_or_default();
    match member.folder() {
        "services/monolith" => "plinth".into(),
        _ if member.is_contract() => format!("contract-{folder}"),
        _ => folder.into(),
    }
}

fn empty_word(name: &str) -> Option<&'static str> {
    name.split(['-', '_']).find_map(|word| EMPTY.into_iter().find(|empty| *empty == word))
}

fn fault(path: &str, line: usize, word: &str) -> Fault {
    Fault::new("names", path, line, format!("`{word}` says nothing: name it after what it holds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample::{member, workspace};

    #[test]
    fn what_others_have_called_theirs_keeps_its_name() {
        assert_eq!(check_path("argocd/infra/00-cert-manager.yaml", ""), []);
        assert_eq!(check_path("deploy/manager.sh", "").len(), 1);
    }

    #[test]
    fn empty_names_are_refused() {
        for path in ["crates/common/Cargo.toml", "services/auth/src/utils.rs", "tests/it/test_helpers.rs"] {
            assert_eq!(check_path(path, "").len(), 1, "{path}");
        }
        for path in ["crates/ids/src/lib.rs", "services/auth/src/commonly.rs", ".ci/run"] {
            assert_eq!(check_path(path, ""), [], "{path}");
        }
    }

    #[test]
    fn a_module_is_named_too() {
        let source = Source::read("mod user;\npub(crate) mod helpers {\n}\nlet modulo = 3;");
        assert_eq!(check_modules("a.rs", &source).iter().map(|fault| fault.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_package_is_named_after_its_folder() {
        let named = |folder, name| {
            let members = vec![member(folder, name, Some(0), &[])];
            check_packages(&workspace(members), &Tree::default()).len()
        };
        assert_eq!(named("crates/ids", "ids"), 0);
        assert_eq!(named("crates/ids", "plinth-ids"), 1);
        assert_eq!(named("crates/contracts/auth", "contract-auth"), 0);
        assert_eq!(named("crates/contracts/auth", "auth"), 1);
        assert_eq!(named("services/monolith", "plinth"), 0);
    }
}
