//! The state directory: data, secrets, logs, and what is needed to find everything again.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::{build, settings};

/// The state directory of one checkout.
#[derive(Debug, Clone)]
pub(crate) struct StateDir(PathBuf);

impl StateDir {
    /// Opens the directory that was asked for, or the default one of this checkout; makes it if
    /// it is missing.
    pub(crate) fn open(asked: Option<PathBuf>, home: &Path) -> anyhow::Result<Self> {
        let dir = match asked {
            Some(dir) => dir,
            None => default_dir(home)?,
        };
        make_passable(&dir).with_context(|| format!("can't make the state directory {}", dir.display()))?;
        let dir = dir.canonicalize().with_context(|| format!("can't find {}", dir.display()))?;
        let state = Self(dir);
        state.make_logs().with_context(|| format!("can't make {}", state.logs().display()))?;
        Ok(state)
    }

    /// The directory that was asked for, or the default one of this checkout; makes nothing.
    pub(crate) fn find(asked: Option<PathBuf>) -> anyhow::Result<Self> {
        asked.map_or_else(|| default_dir(&build::home()?), Ok).map(Self)
    }

    /// One that exists.
    pub(crate) fn existing(dir: PathBuf) -> Self {
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The processes that must not outlive us.
    pub(crate) fn children(&self) -> PathBuf {
        self.0.join("children.json")
    }

    /// Where everything answers, for programs.
    pub(crate) fn endpoints(&self) -> PathBuf {
        self.0.join("endpoints.json")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.0.join("secrets.json")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.0.join("pg")
    }

    pub(crate) fn redis(&self) -> PathBuf {
        self.0.join("redis")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// Throws everything away, except what isn't ours.
    pub(crate) fn wipe(&self) -> anyhow::Result<()> {
        for path in [self.postgres(), self.redis(), self.logs()] {
            absent_is_fine(fs::remove_dir_all(&path))
                .with_context(|| format!("can't remove {}", path.display()))?;
        }
        absent_is_fine(fs::remove_file(self.secrets())).context("can't remove the secrets")?;
        Ok(self.make_logs()?)
    }

    /// Removes what must only be there while something runs.
    pub(crate) fn forget_run(&self) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.endpoints()))?;
        absent_is_fine(fs::remove_file(self.children()))
    }

    fn make_logs(&self) -> io::Result<()> {
        fs::create_dir_all(self.logs())?;
        fs::set_permissions(self.logs(), Permissions::from_mode(0o700))
    }
}

/// Writes JSON that only its owner can read; whoever looks sees the old file or the new one.
pub(crate) fn write_private(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(dir)?; // 0600
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}

fn default_dir(home: &Path) -> anyhow::Result<PathBuf> {
    let base =
        settings::state_home().context("there is no HOME; say where to keep state with --state-dir")?;
    Ok(base.join(name_of(home)))
}

/// Readable, and different for two checkouts of the same name.
fn name_of(home: &Path) -> String {
    let name = home.file_name().unwrap_or_default().to_string_lossy();
    let hash = digest(&SHA256, home.as_os_str().as_encoded_bytes());
    let short = HEXLOWER.encode(hash.as_ref().get(..4).unwrap_or_default());
    format!("{name}-{short}")
}

/// Makes missing directories so that other users may pass: as root, PostgreSQL is one.
fn make_passable(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_passable(parent)?;
    }
    match fs::create_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.and_then(|()| fs::set_permissions(dir, Permissions::from_mode(0o755))),
    }
}

pub(crate) fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_checkouts_of_one_name_differ() {
        let (one, two) = (name_of(Path::new("/a/plinth")), name_of(Path::new("/b/plinth")));
        assert!(one.starts_with("plinth-") && two.starts_with("plinth-"));
        assert_ne!(one, two);
    }

    #[test]
    fn a_wipe_leaves_strangers_alone() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::open(Some(dir.path().join("new/state")), Path::new("/")).unwrap();
        fs::create_dir(state.postgres()).unwrap();
        fs::write(state.path().join("notes.txt"), "mine").unwrap();
        state.wipe().unwrap();
        assert!(!state.postgres().exists());
        assert!(state.logs().exists() && state.path().join("notes.txt").exists());
    }
}
