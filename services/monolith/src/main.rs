//! The `plinth` command: Plinth on one machine.

mod admin;
mod databases;
mod demo;
mod dev;
mod jobs;
mod migrate;
mod provision;

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
    #[command(hide = true)]
    Guard(dev::GuardOptions),
}

impl Command {
    async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Dev(options) => dev::run(options).await,
            Self::Migrate(options) => migrate::run(options).await,
            Self::Admin(options) => admin::run(options).await,
            Self::Jobs(options) => jobs::run(options).await,
            Self::Demo(options) => demo::run(options).await,
            Self::Guard(options) => dev::guard(options).await,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse().run().await {
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
