//! The `gateway` binary.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use gateway::{App, Settings};

/// The one door: verifies the credential, routes, streams.
#[derive(Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// A TOML file with settings; the environment wins over it.
    #[arg(long, global = true, env = "PLINTH_CONFIG")]
    config: Option<PathBuf>,
    /// The same as the verb `check-config`.
    #[arg(long)]
    check_config: bool,
}

#[derive(Clone, Copy, clap::Subcommand)]
enum Verb {
    /// Serves until SIGTERM; the default.
    Serve,
    /// Prints the OpenAPI document of the gateway's own routes.
    Openapi,
    /// Says what is wrong with the settings, if anything.
    CheckConfig,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    match command.verb.unwrap_or(if command.check_config { Verb::CheckConfig } else { Verb::Serve }) {
        Verb::Openapi => gateway::print_document(),
        Verb::CheckConfig => gateway::check(Settings::load(command.config.as_deref())),
        Verb::Serve => App::serve(Settings::load(command.config.as_deref())).await,
    }
}
