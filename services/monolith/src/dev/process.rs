//! A program as a child process whose lines go to the screen and to a file.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::children::Kind;
use super::run::Run;

/// How many lines a report of a death shows.
const LAST_LINES: usize = 20;
/// The rest of the output comes soon after the end, unless a grandchild keeps it open.
const REST: Duration = Duration::from_millis(300);

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: u32,
    last: Last,
    readers: Vec<JoinHandle<()>>,
}

/// The last lines that a program wrote.
#[derive(Debug, Clone, Default)]
struct Last(Arc<Mutex<VecDeque<String>>>);

impl Process {
    /// Starts a program in a process group of its own and writes it down as a child of this run.
    pub(crate) fn start(run: &Arc<Run>, name: &'static str, mut command: Command) -> anyhow::Result<Self> {
        let path = run.log(name);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = Arc::new(file.with_context(|| format!("can't write {}", path.display()))?);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("can't start {name}"))?;
        let pid = child.id().unwrap_or_default();
        run.children.enter(name, Kind::Service, pid)?;
        let last = Last::default();
        let mut readers = Vec::new();
        if let Some(output) = child.stdout.take() {
            readers.push(tokio::spawn(carry(Arc::clone(run), name, output, Arc::clone(&file), last.clone())));
        }
        if let Some(output) = child.stderr.take() {
            readers.push(tokio::spawn(carry(Arc::clone(run), name, output, file, last.clone())));
        }
        Ok(Self { child, pid, last, readers })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the end; says how it was, in the system's words.
    pub(crate) async fn ended(&mut self) -> String {
        let status = self.child.wait().await;
        for reader in &mut self.readers {
            let _still_open = tokio::time::timeout(REST, reader).await;
        }
        self.readers.clear();
        status.map_or_else(|e| e.to_string(), |status| status.to_string())
    }

    pub(crate) fn last_lines(&self) -> String {
        self.last.lines().iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// How a program ended, with its last words if it had any.
pub(crate) fn obituary(name: &str, status: &str, last_lines: &str) -> String {
    match last_lines {
        "" => format!("{name} ended ({status}) without a word"),
        lines => format!("{name} ended ({status}); its last lines:\n{lines}"),
    }
}

/// Carries one stream of a program, line by line, until it ends.
async fn carry(
    run: Arc<Run>,
    name: &'static str,
    output: impl AsyncRead + Unpin,
    file: Arc<File>,
    last: Last,
) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(output.read_until(b'\n', &mut line).await, Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']);
        run.screen.line(name, text);
        last.push(text);
        // A full disk silences the file, not the screen.
        let _full = (&*file).write_all(format!("{text}\n").as_bytes());
        line.clear();
    }
}

impl Last {
    fn push(&self, line: &str) {
        let mut lines = self.lines();
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let last = Last::default();
        (0..50).for_each(|number| last.push(&number.to_string()));
        let lines = last.lines();
        assert_eq!((lines.len(), lines.front().map(String::as_str)), (LAST_LINES, Some("30")));
    }
}
