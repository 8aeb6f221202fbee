//! The processes of a run, written down so that they can be stopped by whoever is left.
//!
//! The run itself stops them at its end. If it is killed, its guard does; if both are, the next
//! run does. All three read the same list and follow the same order.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use local_servers::process::{self, Process, Signal};
use serde::{Deserialize, Serialize};
use service_discovery::Service;

use super::state::{StateDir, write_private};

const AFTER_KILL: Duration = Duration::from_secs(1);

/// What a process is decides when and how it is stopped. Together below 10 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A service, or a step of the start such as a build.
    Service,
    Redis,
    Postgres,
}

impl Kind {
    /// Services before what they depend on.
    const ORDER: [Self; 3] = [Self::Service, Self::Redis, Self::Postgres];

    /// Each signal with the patience that it is given; SIGKILL follows.
    fn signals(self) -> Vec<(Signal, Duration)> {
        match self {
            Self::Service => vec![(Signal::TERM, Duration::from_secs(6))],
            Self::Redis => vec![(Signal::TERM, Duration::from_millis(500))],
            // Fast, then immediate: the next start recovers.
            Self::Postgres => {
                vec![(Signal::INT, Duration::from_millis(1500)), (Signal::QUIT, Duration::from_secs(1))]
            }
        }
    }
}

/// One process, which leads its own group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) name: String,
    kind: Kind,
    #[serde(flatten)]
    process: Process,
}

impl Child {
    /// A process that works in the state directory, if it is one of ours by its name: somebody's
    /// shell is not.
    fn recognised(process: Process) -> Option<Self> {
        let name = process::name(process.pid)?;
        let kind = match name.as_str() {
            "postgres" => Kind::Postgres,
            "redis-server" => Kind::Redis,
            other if other.parse::<Service>().is_ok() => Kind::Service,
            _ => return None,
        };
        Some(Self { name, kind, process })
    }

    /// Whether the other one is the same process, or ends with it: PostgreSQL has many.
    fn covers(&self, other: &Self) -> bool {
        self.process == other.process || (self.kind, other.kind) == (Kind::Postgres, Kind::Postgres)
    }

    async fn stop(&self) {
        for (signal, patience) in self.kind.signals() {
            // A signal that is refused leaves the process alive, which the caller reports.
            let _refused = self.process.signal(signal);
            if self.process.ended(patience).await {
                return;
            }
        }
        let _refused = self.process.signal(Signal::KILL);
        self.process.ended(AFTER_KILL).await;
    }
}

/// The living processes of this run, in memory and in the state directory.
#[derive(Debug)]
pub(crate) struct Children {
    file: PathBuf,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    living: Vec<Child>,
    closed: bool,
}

impl Children {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, list: Mutex::default() }
    }

    /// Writes a new process down. If the run is being stopped, the process is killed instead.
    pub(crate) fn enter(&self, name: &str, kind: Kind, pid: u32) -> io::Result<()> {
        // One that has ended already needs no place.
        let Some(process) = Process::find(pid) else { return Ok(()) };
        let mut list = self.list();
        if list.closed {
            process.signal(Signal::KILL)?;
            return Err(io::Error::new(io::ErrorKind::Interrupted, "stopping"));
        }
        // A server that never became ready was killed without being struck out.
        list.living.retain(|child| child.process.is_alive());
        list.living.push(Child { name: name.to_owned(), kind, process });
        write_private(&self.file, &list.living)
    }

    /// Strikes out a process that has ended.
    pub(crate) fn leave(&self, pid: u32) -> io::Result<()> {
        let mut list = self.list();
        list.living.retain(|child| child.process.pid != pid);
        if list.closed { Ok(()) } else { write_private(&self.file, &list.living) }
    }

    /// The process id of the living process with this name.
    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        let list = self.list();
        list.living.iter().find(|child| child.name == name).map(|child| child.process.pid)
    }

    /// Stops all, in order, and lets no new one in. Returns those that could not be stopped.
    pub(crate) async fn stop(&self) -> Vec<Child> {
        let living = self.close();
        stop_all(&living).await
    }

    /// Kills all at once.
    pub(crate) fn kill(&self) {
        for child in self.close() {
            // What can't be killed can't be helped; the next start tries again.
            let _refused = child.process.signal(Signal::KILL);
        }
    }

    fn close(&self) -> Vec<Child> {
        let mut list = self.list();
        list.closed = true;
        list.living.clone()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // The list is whole at every moment; a panic elsewhere doesn't spoil it.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an earlier run left: the processes that it wrote down, and one that it had started but
/// not yet written down when it was killed.
pub(crate) fn left_over(state: &StateDir) -> Vec<Child> {
    let text = fs::read(state.children()).unwrap_or_default();
    let written: Vec<Child> = serde_json::from_slice(&text).unwrap_or_default();
    let mut living: Vec<Child> = written.into_iter().filter(|child| child.process.is_alive()).collect();
    let unwritten: Vec<Child> = process::working_in(state.path())
        .into_iter()
        .filter_map(Child::recognised)
        .filter(|child| !living.iter().any(|known| known.covers(child)))
        .collect();
    living.extend(unwritten);
    living
}

/// Stops these, services first and databases last. Returns those that could not be stopped.
pub(crate) async fn stop_all(children: &[Child]) -> Vec<Child> {
    for kind in Kind::ORDER {
        join_all(children.iter().filter(|child| child.kind == kind).map(Child::stop)).await;
    }
    children.iter().filter(|child| child.process.is_alive()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn whoever_is_left_finds_and_stops_them() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::existing(dir.path().to_owned());
        let children = Children::new(state.children());
        let mut sleeper = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        children.enter("sleeper", Kind::Service, sleeper.id()).unwrap();

        let found = left_over(&state);
        assert_eq!(found.len(), 1);
        assert!(stop_all(&found).await.is_empty());
        assert!(left_over(&state).is_empty());
        sleeper.wait().unwrap();
    }

    #[tokio::test]
    async fn nothing_enters_a_run_that_stops() {
        let dir = tempfile::tempdir().unwrap();
        let children = Children::new(dir.path().join("children.json"));
        assert!(children.stop().await.is_empty());
        let mut late = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        children.enter("late", Kind::Service, late.id()).unwrap_err();
        assert!(!late.wait().unwrap().success());
    }
}
