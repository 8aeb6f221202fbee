//! A server as a child process: its own group, its output in a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Command;

use crate::Error;
use crate::process::Process;

/// How many lines of its log a fault shows, and where in the file they are looked for.
const LAST_LINES: usize = 20;
const LAST_BYTES: u64 = 16 * 1024;

/// A running server.
#[derive(Debug)]
pub(crate) struct Child {
    program: &'static str,
    inner: tokio::process::Child,
    pid: u32,
    log: PathBuf,
}

impl Child {
    /// Starts a server in a process group of its own, its output appended to a file. What is in
    /// `input` waits at its standard input.
    pub(crate) fn spawn(
        program: &'static str,
        mut command: Command,
        input: Stdio,
        log: &Path,
    ) -> Result<Self, Error> {
        let file = append(log).map_err(Error::io("write", log))?;
        let twin = file.try_clone().map_err(Error::io("write", log))?;
        command.stdin(input).stdout(file).stderr(twin).process_group(0).kill_on_drop(true);
        let inner = command.spawn().map_err(Error::io("run", Path::new(program)))?;
        let pid = inner.id().unwrap_or_default();
        Ok(Self { program, inner, pid, log: log.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The last lines of its log.
    pub(crate) fn last_lines(&self) -> String {
        last_lines(&self.log).unwrap_or_default()
    }

    /// Waits until the server ends by itself.
    pub(crate) async fn exited(&mut self) -> io::Result<ExitStatus> {
        self.inner.wait().await
    }

    /// The fault to report if the server has ended already.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.inner.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(&status.to_string())),
            Err(e) => Err(self.ended(&e.to_string())),
        }
    }

    /// The fault to report when the server doesn't answer in time.
    pub(crate) fn silent(&self, patience: Duration) -> Error {
        Error::Silent { program: self.program, seconds: patience.as_secs(), log: self.last_lines() }
    }

    /// Sends each signal in turn until the server has ended, with the patience that comes with
    /// it; kills it if none helps.
    pub(crate) async fn stop(&mut self, signals: &[(Signal, Duration)]) -> Result<(), Error> {
        for (signal, patience) in signals {
            if let Some(process) = Process::find(self.pid) {
                process.signal(*signal).map_err(Error::io("stop", Path::new(self.program)))?;
            }
            if tokio::time::timeout(*patience, self.inner.wait()).await.is_ok() {
                return Ok(());
            }
        }
        self.inner.kill().await.map_err(Error::io("kill", Path::new(self.program)))
    }

    fn ended(&self, status: &str) -> Error {
        Error::Exited { program: self.program, status: status.to_owned(), log: self.last_lines() }
    }
}

/// Runs a program to its end; a failure carries what it said.
pub(crate) async fn run(program: &'static str, command: &mut Command) -> Result<String, Error> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(Error::io("run", Path::new(program)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let log = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Exited { program, status: output.status.to_string(), log })
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn last_lines(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(LAST_LINES);
    Ok(lines.get(skipped..).unwrap_or_default().join("\n"))
}
