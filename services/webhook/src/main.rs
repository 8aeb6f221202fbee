//! The `webhook` binary: settings, then build, then run.

mod command;

use std::process::ExitCode;

use clap::Parser;
use command::Command;
use mimalloc::MiMalloc;
use service_kit::command::outcome;

/// Less CPU for each request than the system's, for some more memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    outcome(Command::parse().run())
}
