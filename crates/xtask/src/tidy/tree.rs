//! The text files of the working tree, as git sees them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Path below the root → text. Files that are not UTF-8 are left out: no check reads them.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads all files that git tracks or would track: what is ignored is not ours to check.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        // A checkout may belong to somebody else than the user of a container: we only list its files.
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git ls-files did not start")?;
        ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
        let listing = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
        let mut tree = Self::default();
        for path in listing.split_terminator('\0') {
            // A tracked file that was deleted is still listed.
            if let Ok(bytes) = std::fs::read(root.join(path))
                && let Ok(text) = String::from_utf8(bytes)
            {
                tree.files.insert(path.into(), text);
            }
        }
        Ok(tree)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tracked_and_new_files_but_neither_ignored_nor_binary_ones() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let made = Command::new("git").args(["init", "-q"]).current_dir(root).status().unwrap();
        assert!(made.success());
        std::fs::write(root.join(".gitignore"), "ignored\n").unwrap();
        std::fs::write(root.join("ignored"), "x").unwrap();
        std::fs::write(root.join("new.rs"), "fn main() {}").unwrap();
        std::fs::write(root.join("picture.png"), [0xff, 0xfe]).unwrap();
        let tree = Tree::read(root).unwrap();
        assert_eq!(tree.files().map(|(path, _)| path).collect::<Vec<_>>(), [".gitignore", "new.rs"]);
    }
}
