//! The `plinth` command: Plinth on one machine.

mod admin;
mod databases;
mod demo;
mod dev;
mod jobs;
mod migrate;
mod provision;
mod standins;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

/// Runs Plinth on one machine.
#[derive(Debug, Parser)]
#[command(name = "plinth", version, propagate_version = true)]
enum Command {
    Dev(dev::Options),
    Migrate(migrate::Options),
    Admin(admin::Options),
    Jobs(jobs::Options),
    Demo(demo::Options),
    Standins(standins::Options),
    #[command(hide = true)]
    Guard(dev::GuardOptions),
}

impl Command {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Dev(options) => within(dev::run(options)),
            Self::Migrate(options) => within(migrate::run(options)),
            Self::Admin(options) => within(admin::run(options)),
            Self::Jobs(options) => within(jobs::run(options)),
            Self::Demo(options) => within(demo::run(options)),
            Self::Standins(options) => standins::run(&options),
            Self::Guard(options) => within(dev::guard(options)),
        }
    }
}

fn within(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // If even the error stream is closed, the exit code still tells.
            let _closed = writeln!(io::stderr(), "plinth: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes a line for whoever called the command.
fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
