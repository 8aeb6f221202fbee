//! Where the programs of PostgreSQL are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Error;
use crate::child::run;

/// The oldest major version that Plinth supports.
const OLDEST: u32 = 15;

/// Folders of versions: Debian, Red Hat (PGDG), Homebrew on either kind of Mac.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
];

/// One installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    dir: PathBuf,
    /// The major version.
    pub(crate) major: u32,
}

impl Binaries {
    /// The one on the PATH, else the highest installed.
    pub(crate) async fn find() -> Result<Self, Error> {
        for dir in on_path() {
            if let Some(found) = Self::look(&dir).await {
                return Ok(found);
            }
        }
        let mut best: Option<Self> = None;
        for dir in installed() {
            if let Some(found) = Self::look(&dir).await
                && best.as_ref().is_none_or(|best| best.major < found.major)
            {
                best = Some(found);
            }
        }
        best.ok_or(Error::Missing("PostgreSQL 15 or later"))
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// What is in a folder, if it is complete and not too old. A link on the PATH is followed:
    /// the other programs are beside the one that it points to.
    async fn look(dir: &Path) -> Option<Self> {
        let postgres = dir.join("postgres").canonicalize().ok()?;
        let dir = postgres.parent()?.to_owned();
        if !dir.join("initdb").exists() {
            return None;
        }
        let words = run("postgres", Command::new(&postgres).arg("--version")).await.ok()?;
        let major = major(&words)?;
        (major >= OLDEST).then_some(Self { dir, major })
    }
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15; `17beta1` is 17.
fn major(words: &str) -> Option<u32> {
    let number = words.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..digits)?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "the PATH is the system's, no setting of ours")]
fn on_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

fn installed() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (root, bin) in VERSIONED {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        found.extend(entries.map(|entry| entry.path().join(bin)).filter(|dir| dir.join("postgres").exists()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 17beta1"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) 18"), Some(18));
        assert_eq!(major("MariaDB 11"), None);
    }
}
