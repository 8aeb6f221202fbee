//! The repository builds anywhere: no file names the machine that it was written on.

use super::fault::Fault;

/// Folders of one machine. Written in two halves, so that this file does not name them either.
const FOLDERS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// Where the lock file may take packages from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn check(path: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        if let Some(folder) = FOLDERS.iter().find(|folder| names(content, folder)) {
            let advice = format!("`{folder}` is a folder of one machine: write a path below the checkout");
            faults.push(Fault::new("places", path, line, advice));
        }
        let is_replaced = path.ends_with(".cargo/config.toml") && content.starts_with("replace-with");
        if is_replaced || (path.ends_with("Cargo.lock") && is_foreign_source(content)) {
            let advice = "packages come from crates.io: a mirror belongs to the machine's own cargo settings";
            faults.push(Fault::new("places", path, line, advice));
        }
    }
    faults
}

/// Does a path that begins with `folder` stand in the line? Further down in a path or URL it is fine.
fn names(line: &str, folder: &str) -> bool {
    let inside_a_path = |c: char| c.is_alphanumeric() || "/._-~}*)]>".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(inside_a_path))
}

fn is_foreign_source(line: &str) -> bool {
    let source = line.strip_prefix("source = \"").and_then(|rest| rest.strip_suffix('"'));
    source.is_some_and(|source| source != CRATES_IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_machine_are_refused() {
        for folder in FOLDERS {
            assert_eq!(check("README.md", &format!("see\n`{folder}plinth`")).len(), 1);
            assert_eq!(check("README.md", &format!("https://example.com/a{folder}b")), []);
        }
    }

    #[test]
    fn packages_come_from_crates_io_alone() {
        assert_eq!(check(".cargo/config.toml", "replace-with = \"mirror\"").len(), 1);
        assert_eq!(check("Cargo.lock", &format!("source = \"{CRATES_IO}\"")), []);
        assert_eq!(check("Cargo.lock", "source = \"registry+https://mirror.example/index\"").len(), 1);
    }
}
