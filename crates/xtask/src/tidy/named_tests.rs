//! A test that a document names as the proof of something is there.

use std::collections::BTreeSet;

use super::fault::Fault;
use super::tree::Tree;

/// What promises by the names of tests, in its tables.
const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "docs/provably-absent.md"];

/// Fewer words are the name of something else, such as a code or a column.
const WORDS: usize = 4;

pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let tests: BTreeSet<&str> = tree
        .files()
        .filter(|(path, _)| path.ends_with(".rs"))
        .flat_map(|(_, text)| text.lines().filter_map(function))
        .collect();
    let mut faults = Vec::new();
    for document in DOCUMENTS {
        let lines = tree.text(document).unwrap_or_default().lines().enumerate();
        for (index, line) in lines.filter(|(_, line)| line.starts_with('|')) {
            for name in named(line).filter(|name| !tests.contains(name)) {
                let advice = format!("there is no test `{name}`: name the one that shows it now");
                faults.push(Fault::new("named-tests", document, index + 1, advice));
            }
        }
    }
    faults
}

fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))?;
    rest.split_once('(').map(|(name, _)| name)
}

/// What stands between backticks and reads like the name of a test.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let is_name = |text: &&str| {
        text.split('_').count() >= WORDS
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    line.split('`').skip(1).step_by(2).filter(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_named_is_there() {
        let test = ("services/auth/tests/it/a.rs", "#[test]\nasync fn nobody_sees_what_is_not_theirs() {}\n");
        let with = |map: &str| check(&Tree::of(&[test, ("ARCHITECTURE.md", map)])).len();
        assert_eq!(with("| x | `nobody_sees_what_is_not_theirs`, tidy `sql`, `email_verified_at` |"), 0);
        assert_eq!(with("| x | `nobody_sees_what_is_not_ours` |"), 1);
        assert_eq!(with("text about `nobody_sees_what_is_not_ours`"), 0, "only tables promise");
    }
}
