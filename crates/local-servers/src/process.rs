//! Recognises a process again, and signals it, by its pid and its birth.
//!
//! A pid alone is not enough: after a crash or a reboot it may belong to a stranger.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process_group};
use serde::{Deserialize, Serialize};

/// How often a dying process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A process, such that another one with the same pid isn't taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// When it began, in the words of the system; only equality means something.
    pub born: String,
}

impl Process {
    /// The process that has this pid now. None if there is none, or if it is dead and merely
    /// waits for its parent to notice.
    #[must_use]
    pub fn find(pid: u32) -> Option<Self> {
        born(pid).map(|born| Self { pid, born })
    }

    /// Whether this very process still lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        born(self.pid).is_some_and(|born| born == self.born)
    }

    /// Sends a signal to the group that the process leads. A process that has gone already is
    /// no fault.
    ///
    /// # Errors
    /// When the system refuses, for instance because the process belongs to another user.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else { return Ok(()) };
        match kill_process_group(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Waits until the process has ended. False if it outlived our patience.
    pub async fn ended(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(LOOK).await;
        }
        true
    }
}

/// The program's short name, for instance `postgres`. None if there is no such process.
#[must_use]
pub fn name(pid: u32) -> Option<String> {
    system::name(pid)
}

/// The processes whose working directory is this folder or lies in it. Only Linux tells;
/// elsewhere none are found.
#[must_use]
pub fn working_in(folder: &Path) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let here = entries.filter(|entry| {
        std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder))
    });
    here.filter_map(|entry| Process::find(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn born(pid: u32) -> Option<String> {
    system::born(pid)
}

/// What /proc says (a small Debian has no `ps`).
#[cfg(target_os = "linux")]
mod system {
    use std::fs::read_to_string;

    pub(super) fn name(pid: u32) -> Option<String> {
        read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim().to_owned())
    }

    /// The boot, and the tick of that boot (proc_pid_stat(5), fields 3 and 22).
    pub(super) fn born(pid: u32) -> Option<String> {
        let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in field 2 may hold blanks and brackets; all that follows its last one is regular.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let (state, ticks) = (fields.first()?, fields.get(19)?);
        if matches!(*state, "Z" | "X") {
            return None;
        }
        let boot = read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Some(format!("{}+{ticks}", boot.trim()))
    }
}

/// What `ps` says.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::process::Command;

    pub(super) fn name(pid: u32) -> Option<String> {
        ps(pid, "comm=").map(|path| path.rsplit('/').next().unwrap_or_default().to_owned())
    }

    pub(super) fn born(pid: u32) -> Option<String> {
        let state = ps(pid, "state=")?;
        if state.starts_with('Z') { None } else { ps(pid, "lstart=") }
    }

    fn ps(pid: u32, column: &str) -> Option<String> {
        let output = Command::new("ps").args(["-o", column, "-p", &pid.to_string()]).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn knows_a_process_until_it_ends() {
        let mut child = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let process = Process::find(child.id()).unwrap();
        assert!(process.is_alive());
        process.signal(Signal::KILL).unwrap();
        assert!(process.ended(Duration::from_secs(5)).await, "a zombie counts as dead");
        child.wait().unwrap();
        process.signal(Signal::KILL).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_works_in_a_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        let mut child =
            Command::new("sleep").arg("60").current_dir(&inside).process_group(0).spawn().unwrap();
        let process = Process::find(child.id()).unwrap();
        assert_eq!(working_in(folder.path()), std::slice::from_ref(&process));
        process.signal(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert_eq!(working_in(folder.path()), []);
    }

    #[test]
    fn a_stranger_with_the_same_pid_is_another() {
        let me = Process::find(std::process::id()).unwrap();
        assert!(me.is_alive());
        assert!(!Process { born: "another time".to_owned(), ..me }.is_alive());
    }
}
