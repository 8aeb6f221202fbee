//! The checks and chores of this repository. `cargo xtask --help` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its caller")]

mod lint;
mod ls_apis;
mod openapi;
mod test;
mod tidy;
mod upgrade;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about, disable_help_subcommand = true)]
enum Command {
    /// Check the architecture: floors, names, where SQL and settings may live, migrations
    Tidy,
    /// Everything a change must pass before its tests: format, clippy, tidy, documents, docs
    Lint,
    /// Compare each service's openapi.json with what the service prints, or write it
    #[command(subcommand)]
    Openapi(openapi::Verb),
    /// Print who calls whom, and the routes of each service
    LsApis,
    /// Run `cargo test` with a private PostgreSQL and Redis; takes cargo test's arguments
    Test {
        /// Such as `-p auth --test it -- login`; without a package, the whole workspace
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Serve by the programs of the release before while this one's migrations run
    Upgrade {
        /// Its commit; the last with another schema that leads to ours unless given
        #[arg(long, value_name = "REVISION")]
        from: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let workspace = workspace::Workspace::load()?;
    match command {
        Command::Tidy => tidy::run(&workspace)?,
        Command::Lint => lint::run(&workspace)?,
        Command::Openapi(verb) => openapi::run(&workspace, verb)?,
        Command::LsApis => ls_apis::run(&workspace)?,
        Command::Test { arguments } => return test::run(&workspace, &arguments),
        Command::Upgrade { from } => return upgrade::run(&workspace, from.as_deref()),
    }
    Ok(ExitCode::SUCCESS)
}
