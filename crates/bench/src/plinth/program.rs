use std::process::{Child, Command};

/// A process, which is killed with this value.
pub(crate) struct Program(Child);

impl Program {
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self(command.spawn()?))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// What it prints, if that was asked for.
    pub(crate) fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.0.stdout.take()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
