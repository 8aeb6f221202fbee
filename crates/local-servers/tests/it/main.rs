//! Real servers: they start, answer, survive a kill and leave nothing behind.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod postgres;
mod redis;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use local_servers::process::{Process, Signal};
use tempfile::TempDir;

/// A directory that other users may pass through, as the server of a test run by root must.
fn passable_dir() -> TempDir {
    let dir = tempfile::Builder::new().prefix("plinth-test-").tempdir().unwrap();
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Kills a process as a crash would, and waits until it is gone.
async fn kill(pid: u32) {
    let process = Process::find(pid).unwrap();
    process.signal(Signal::KILL).unwrap();
    assert!(process.ended(Duration::from_secs(5)).await);
}
