//! One run per state directory. The lock vanishes with the process that holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use local_servers::process::Process;
use serde::{Deserialize, Serialize};

use super::state::absent_is_fine;

/// A guard that cleans up after a killed run holds the lock for at most this long.
const GUARD_PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

/// Held while a run lasts.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

/// What the holder writes into the file.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    #[serde(flatten)]
    process: Process,
    url: String,
}

impl Lock {
    /// Takes the lock for a run that will answer at `url`.
    ///
    /// # Errors
    /// If another run has it; says which.
    pub(crate) async fn take(path: &Path, url: &str) -> anyhow::Result<Self> {
        let deadline = Instant::now() + GUARD_PATIENCE;
        loop {
            if let Some(mut lock) = Self::attempt(path)? {
                lock.sign(url)?;
                return Ok(lock);
            }
            if let Some(holder) = holder(path).filter(|holder| holder.process.is_alive()) {
                anyhow::bail!("already running (pid {}) at {}", holder.process.pid, holder.url);
            }
            // The holder is dead, and its guard cleans up; or it is about to sign.
            anyhow::ensure!(Instant::now() < deadline, "{} is locked by an unknown process", path.display());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes the lock if nobody has it, and leaves the name of its last holder in it.
    pub(crate) fn attempt(path: &Path) -> anyhow::Result<Option<Self>> {
        let unusable = || format!("can't lock {}", path.display());
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open.with_context(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e).with_context(unusable),
        }
        // The last holder may have removed the file between our opening and our locking it.
        let same =
            fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|here| here.ino() == there.ino()));
        Ok(same.then(|| Self { file, path: path.to_owned() }))
    }

    /// Gives the lock back and removes its file.
    pub(crate) fn release(self) -> io::Result<()> {
        absent_is_fine(fs::remove_file(&self.path))
    }

    fn sign(&mut self, url: &str) -> anyhow::Result<()> {
        let process = Process::find(std::process::id()).context("can't find our own process")?;
        let text = serde_json::to_vec(&Holder { process, url: url.to_owned() })?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text).with_context(|| format!("can't write {}", self.path.display()))
    }
}

fn holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_run_is_told_about_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::take(&path, "http://127.0.0.1:1").await.unwrap();
        let refusal = Lock::take(&path, "http://127.0.0.1:2").await.unwrap_err().to_string();
        assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
        assert!(refusal.contains("http://127.0.0.1:1"), "{refusal}");
        first.release().unwrap();
        assert!(!path.exists());
        Lock::take(&path, "http://127.0.0.1:2").await.unwrap();
    }
}
