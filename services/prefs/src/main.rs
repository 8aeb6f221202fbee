//! `prefs`: serves, migrates, prints its OpenAPI document, or checks its settings.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use prefs::Settings;
use service_kit::settings::Faults;

/// Preferences: namespaces with schemas, a layer for every user.
#[derive(Parser)]
struct Arguments {
    /// A TOML file with settings; variables win over it
    #[arg(long, env = "PLINTH_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The same as the command check-config
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Serve until SIGTERM (what it does unless told otherwise)
    Serve,
    /// Bring the database to this release's schema
    Migrate,
    /// Print the OpenAPI document
    Openapi,
    /// Check the settings, name every fault, and do nothing else
    CheckConfig,
}

fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse()) else { return ExitCode::SUCCESS };
    // Tolerated: with nowhere to write to, the exit code alone tells.
    let _ = writeln!(std::io::stderr(), "{error:#}");
    if error.is::<Faults>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

fn run(Arguments { config, check_config, verb }: Arguments) -> anyhow::Result<()> {
    let settings = || Settings::load(config.as_deref());
    match verb.unwrap_or(Verb::Serve) {
        Verb::Openapi => writeln!(std::io::stdout(), "{}", prefs::openapi().to_pretty_json()?)?,
        Verb::CheckConfig => drop(settings()?),
        _ if check_config => drop(settings()?),
        Verb::Serve => prefs::serve(&settings()?)?,
        Verb::Migrate => prefs::migrate(&settings()?)?,
    }
    Ok(())
}
