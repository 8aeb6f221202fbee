//! The guard: a second process that outlives a killed run just long enough to clean up after it.
//!
//! The run holds the other end of the guard's standard input and never writes to it. When that
//! ends, the run has ended. If it said goodbye properly there is neither a lock nor a list of
//! children left, and nothing to do.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::process::{Child, ChildStdin, Command};

use super::run::Run;
use super::signals::Signals;
use super::state::StateDir;
use super::{build, children, lock::Lock};

const AGAIN: Duration = Duration::from_secs(1);
const INHERITANCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// Cleans up after `plinth dev` was killed.
#[derive(Debug, clap::Args)]
pub(crate) struct GuardOptions {
    state_dir: PathBuf,
}

/// What the guard process does.
pub(crate) async fn guard(options: GuardOptions) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    // No byte, or no pipe: the run has gone.
    let mut end = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0; 1]));
    loop {
        tokio::select! {
            // Whoever signals every process of ours means the run, too; its end is ours.
            () = signals.next() => {}
            _ = &mut end => break,
        }
    }
    clean_up(&StateDir::existing(options.state_dir)).await
}

async fn clean_up(state: &StateDir) -> anyhow::Result<()> {
    // Who says goodbye takes both away.
    if !state.lock().exists() && !state.children().exists() {
        return Ok(());
    }
    let Some(lock) = inherit(&state.lock()).await? else { return Ok(()) };
    let stuck = children::stop_all(&children::left_over(state)).await;
    if stuck.is_empty() {
        state.forget_run()?;
    }
    Ok(lock.release()?)
}

/// Takes the lock of the dead run, unless a new run has it, which cleans up by itself. A dying
/// process closes its files one after another: the pipe may be shut before the lock is free.
async fn inherit(path: &Path) -> anyhow::Result<Option<Lock>> {
    let deadline = Instant::now() + INHERITANCE;
    loop {
        let lock = Lock::attempt(path)?;
        if lock.is_some() || Instant::now() >= deadline {
            return Ok(lock);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Starts a guard over this run, and another one whenever it dies.
pub(crate) fn watch(run: &Arc<Run>) -> anyhow::Result<()> {
    let program = build::own_program()?;
    let mut guard = Guard::start(program, run)?;
    let run = Arc::clone(run);
    tokio::spawn(async move {
        loop {
            let _ended = guard.child.wait().await;
            run.screen.say("the guard died; starting another one");
            tokio::time::sleep(AGAIN).await;
            match Guard::start(program, &run).and_then(|another| Ok((another, run.refresh()?))) {
                Ok((another, ())) => guard = another,
                Err(e) => run.screen.say(&format!("{e:#}; a kill -9 would now leave processes behind")),
            }
        }
    });
    Ok(())
}

/// The guard's process, and the pipe that tells it of our end.
struct Guard {
    child: Child,
    _pipe: Option<ChildStdin>,
}

impl Guard {
    fn start(program: &Path, run: &Run) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("guard").arg(run.state.path()).current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("can't start the guard")?;
        run.guard.store(child.id().unwrap_or_default(), Ordering::Relaxed);
        // Taken out, because waiting for the child would close it.
        let pipe = child.stdin.take();
        Ok(Self { child, _pipe: pipe })
    }
}
