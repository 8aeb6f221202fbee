//! The `gateway` binary: settings, then build, then run.

mod command;

use std::process::ExitCode;

use clap::Parser;
use command::Command;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => command::fail(&error),
    }
}
