//! `cargo xtask tidy`: the architecture as a lint. Every fault is listed, with what to do about it.
//!
//! A check is a function from text to faults. To add one, write its file and name it in a table below.

mod attributes;
mod clock;
mod environment;
mod fault;
mod floors;
mod length;
mod migrations;
mod named_tests;
mod names;
mod operations;
mod owners;
mod places;
mod readmes;
mod released;
mod source;
mod sql;
mod tree;

use std::path::Path;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use fault::Fault;
use source::Source;
use tree::Tree;

/// Checks that look at one Rust file.
const OF_A_SOURCE: [fn(&str, &Source) -> Vec<Fault>; 5] =
    [attributes::check, clock::check, environment::check, names::check_modules, sql::check];

/// Checks that look at one file of any kind.
const OF_A_FILE: [fn(&str, &str) -> Vec<Fault>; 3] = [length::check, names::check_path, places::check];

/// Checks that look at several files at once.
const OF_THE_TREE: [fn(&Tree) -> Vec<Fault>; 5] =
    [migrations::check, named_tests::check, operations::check, owners::check, released::check];

/// Checks that look at the packages and their manifests.
const OF_THE_WORKSPACE: [fn(&Workspace, &Tree) -> Vec<Fault>; 3] =
    [floors::check, names::check_packages, readmes::check];

/// Lists every fault of the working tree; fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(&workspace.root)?;
    let faults = check(workspace, &tree);
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => println!("tidy: {} files, nothing to mend", tree.len()),
        1 => bail!("tidy: 1 fault"),
        many => bail!("tidy: {many} faults"),
    }
    Ok(())
}

/// The shell scripts of the working tree: by name, or by their first line.
pub(crate) fn scripts(root: &Path) -> Result<Vec<String>> {
    let is_script = |path: &str, text: &str| {
        let first = text.lines().next().unwrap_or_default();
        path.ends_with(".sh") || (first.starts_with("#!") && first.ends_with("sh"))
    };
    let tree = Tree::read(root)?;
    Ok(tree.files().filter(|(path, text)| is_script(path, text)).map(|(path, _)| path.to_owned()).collect())
}

fn check(workspace: &Workspace, tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.files() {
        faults.extend(OF_A_FILE.iter().flat_map(|check| check(path, text)));
        if path.ends_with(".rs") {
            let source = Source::read(text);
            faults.extend(OF_A_SOURCE.iter().flat_map(|check| check(path, &source)));
        }
    }
    faults.extend(OF_THE_TREE.iter().flat_map(|check| check(tree)));
    faults.extend(OF_THE_WORKSPACE.iter().flat_map(|check| check(workspace, tree)));
    faults.sort();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::sample;

    #[test]
    fn all_faults_are_listed_at_once_in_the_order_of_the_files() {
        let tree = Tree::of(&[
            ("services/auth/src/user/rules.rs", "fn f() { Timestamp::now(); }\n"),
            ("services/auth/src/user/http.rs", "#[allow(dead_code)]\nfn f() { std::env::var(\"A\"); }\n"),
        ]);
        let faults = check(&sample::workspace(Vec::new()), &tree);
        let lines: Vec<_> = faults.iter().map(|fault| (fault.path.as_str(), fault.line)).collect();
        assert_eq!(
            lines,
            [
                ("services/auth/src/user/http.rs", 1),
                ("services/auth/src/user/http.rs", 2),
                ("services/auth/src/user/rules.rs", 1)
            ]
        );
    }

    #[test]
    fn a_clean_tree_has_no_fault() {
        let tree = Tree::of(&[
            ("crates/ids/Cargo.toml", "[lints]\nworkspace = true\n"),
            ("crates/ids/README.md", "# ids\n"),
            ("crates/ids/src/lib.rs", "//! Ids.\npub struct Id;\n"),
        ]);
        let workspace = sample::workspace(vec![sample::member("crates/ids", "ids", Some(0), &[])]);
        assert_eq!(check(&workspace, &tree), []);
    }
}
