use std::process::{Child, Command};

/// A process, which is killed with this value.
pub(crate) struct Program {
    child: Child,
    /// What is run before that, to end the children that it has.
    stop: Option<Command>,
}

impl Program {
    pub(crate) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        Ok(Self { child: command.spawn()?, stop: None })
    }

    /// It ends by this command, with its children.
    pub(crate) fn stopped_by(mut self, stop: Command) -> Self {
        self.stop = Some(stop);
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it prints, if that was asked for.
    pub(crate) fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        if let Some(stop) = &mut self.stop
            && stop.status().is_ok_and(|status| status.success())
        {
            let _ = self.child.wait();
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
