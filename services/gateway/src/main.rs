//! The `gateway` binary: settings, then build, then run.

mod command;

use std::process::ExitCode;

use clap::Parser;
use command::Command;
use service_kit::command::outcome;

fn main() -> ExitCode {
    outcome(Command::parse().run())
}
