//! What the binaries of services share when they are told to do something.

use std::{io::Write, path::PathBuf, pin::Pin, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::Method;
use service_discovery::{CallError, Peer, PeerOptions, Service};

use crate::{
    migrations::{Catalogue, Migrator},
    settings::{Database, Faults, Http, Reader},
    signals,
};

/// How long a health check takes at most; the image's own limit is longer.
const HEALTHCHECK: Duration = Duration::from_secs(4);

/// Where settings come from, on every command line.
#[derive(Debug, clap::Args)]
pub struct SettingsOptions {
    /// A TOML file with settings; variables win over it.
    #[arg(long, env = "PLINTH_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Check the settings, name every fault, and do nothing else.
    #[arg(long)]
    pub check_config: bool,
}

/// Ends when the process is asked to end.
pub type Stop = Pin<Box<dyn Future<Output = ()>>>;

/// Sets up logs and runs `work` on actix's runtime, where it serves until the process
/// is asked to end.
///
/// # Errors
/// When the logs cannot be set up, or what `work` says.
pub fn serve(logs: &observability::Options, work: impl AsyncFnOnce(Stop) -> Result<()>) -> Result<()> {
    let _logs = observability::start(logs)?;
    let stop = async {
        if let Err(error) = signals::terminated().await {
            tracing::error!(%error, "signals cannot be watched; ending");
        }
    };
    actix_web::rt::System::new().block_on(work(Box::pin(stop)))
}

/// Writes a line for whoever called the command.
///
/// # Errors
/// When nobody reads it any more.
pub fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("the output is closed")
}

/// Brings a database to the schema of `catalogue`, and says what was done.
///
/// # Errors
/// When the database is away, or its history is not to be built upon.
pub async fn migrate(settings: &Database, catalogue: Catalogue) -> Result<()> {
    let outcome = Migrator::of(settings, catalogue)?.up().await;
    let done = if settings.owner_url.is_none() {
        outcome.context(
            "not as the owner of the tables: `database.owner_url` (…__DATABASE__OWNER_URL) is not set",
        )?
    } else {
        outcome?
    };
    print(&if done.is_empty() {
        "nothing to do".to_owned()
    } else {
        format!("applied:\n{}", done.join("\n"))
    })
}

/// Asks the service that runs on this machine whether it can serve, as a container's health check
/// does: the images have no shell to ask with.
///
/// # Errors
/// [`Faults`] of the listeners' settings, or why it cannot serve.
pub fn healthcheck(service: Service, options: &SettingsOptions) -> Result<()> {
    let mut read = Reader::open(service, options.config.as_deref());
    let http = Http::read(&mut read, service);
    let port = read.finish_group(Some(http))?.internal_bind.port();
    let limits = PeerOptions { timeout: HEALTHCHECK, ..PeerOptions::default() };
    let peer = Peer::new(&[format!("http://127.0.0.1:{port}").parse()?], &limits)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(peer.send(peer.request(Method::GET, "/readyz"))) {
        Ok(_) => print("ready"),
        Err(CallError::Refused(problem)) => {
            let reasons = problem.errors.iter().map(|fault| format!("{} {}", fault.pointer, fault.detail));
            bail!("not ready: {}", reasons.collect::<Vec<_>>().join(", "))
        }
        Err(why) => Err(why).context(format!("nobody answers on port {port}")),
    }
}

/// Says what went wrong, causes included; 2 for settings, 1 for all else.
#[expect(clippy::print_stderr, reason = "logs may not be set up yet")]
pub fn outcome(result: Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(if error.is::<Faults>() { 2 } else { 1 })
        }
    }
}
