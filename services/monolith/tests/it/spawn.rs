//! A `plinth dev` of its own for each test, with ports that are free.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use local_servers::process::{Process, Signal, working_in};
use serde_json::Value;
use tempfile::TempDir;

/// A state directory, and whatever runs in it.
pub(crate) struct Place {
    dir: TempDir,
}

/// A running `plinth dev`.
pub(crate) struct Dev {
    child: Child,
    state: PathBuf,
    output: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("plinth-dev-").tempdir().unwrap();
        // PostgreSQL is another user if we are root.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The command line, not yet run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plinth"));
        command.arg("dev").args(["--no-build", "--port", "0", "--state-dir"]).arg(self.state());
        command.args(arguments).stdin(Stdio::null()).env_remove("PLINTH_STATE_DIR");
        command
    }

    /// Starts it, in a group of its own as a shell would.
    pub(crate) fn start(&self, arguments: &[&str]) -> Dev {
        self.spawn(self.command(arguments))
    }

    pub(crate) fn spawn(&self, mut command: Command) -> Dev {
        let output = self.dir.path().join("output");
        let file = File::create(&output).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file).process_group(0);
        Dev { child: command.spawn().unwrap(), state: self.state(), output }
    }

    /// What is in the state directory only while something runs.
    pub(crate) fn traces(&self) -> Vec<&'static str> {
        let names = ["lock", "children.json", "endpoints.json"];
        names.into_iter().filter(|name| self.state().join(name).exists()).collect()
    }
}

impl Drop for Place {
    /// A failed test leaves nothing behind either: the program's own list says what to kill.
    /// What dies may still write for a moment, PostgreSQL's backends above all.
    #[expect(clippy::disallowed_methods, reason = "there is nothing to await in a drop")]
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            // Again and again: one may have been started in the moment in which its run died.
            for process in children(&self.state()).into_iter().chain(working_in(&self.state())) {
                let _refused = process.signal(Signal::KILL);
            }
            if fs::remove_dir_all(self.path()).is_ok() || !self.path().exists() || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Dev {
    /// Waits for the endpoints of a run that is ready.
    pub(crate) async fn ready(&mut self) -> Value {
        let path = self.state.join("endpoints.json");
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if let Ok(text) = fs::read(&path) {
                let endpoints: Value = serde_json::from_slice(&text).unwrap();
                // Until it is swept away, there may be one of a killed run.
                if endpoints["pid"] == self.child.id() {
                    return endpoints;
                }
            }
            assert!(self.child.try_wait().unwrap().is_none(), "{}", self.output());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        panic!("not ready: {}", self.output());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The processes that it has written down.
    pub(crate) fn children(&self) -> Vec<Process> {
        children(&self.state)
    }

    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        Process::find(self.pid()).unwrap().signal(signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "still runs: {}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

fn children(state: &Path) -> Vec<Process> {
    let text = fs::read(state.join("children.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, patience: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn none_alive(processes: &[Process]) -> bool {
    !processes.iter().any(Process::is_alive)
}

/// The guard of a run, which is the child that it doesn't write down.
pub(crate) fn guard_of(endpoints: &Value) -> Process {
    let pid = u32::try_from(endpoints["guard_pid"].as_u64().unwrap()).unwrap();
    Process::find(pid).unwrap()
}
