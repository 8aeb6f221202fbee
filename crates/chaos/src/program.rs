//! A process, which is killed with its value.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// How often one that ends is looked at.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
}

impl Program {
    /// Starts it; what it says is added to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = append(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("can't run {:?}", command.get_program()))?;
        Ok(Self { child })
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// How it ended; `None` when it outlives our patience.
    pub(crate) async fn ended(&mut self, patience: Duration) -> anyhow::Result<Option<ExitStatus>> {
        let began = Instant::now();
        while began.elapsed() < patience {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(None)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        let _ = self.kill();
    }
}

fn append(log: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(log)
}

/// A program of ours, which lies beside this one and knows nothing of its environment.
pub(crate) fn beside(name: &str) -> anyhow::Result<Command> {
    let program: PathBuf = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(program.exists(), "{} is not built: run it by `make chaos`", program.display());
    let mut command = Command::new(program);
    command.env_clear();
    Ok(command)
}
