//! `plinth migrate`: the schemas of all services, managed in one place.

mod report;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use secrecy::ExposeSecret;
use service_discovery::Service;

use crate::databases::{Databases, ServiceDatabase, Where};
use crate::provision::{Account, provision};
use crate::say;

/// Brings the databases of all services to this release's schemas.
///
/// Where they are, the services' own settings say (AUTH__DATABASE__OWNER_URL and so on); without
/// any, those of the running `plinth dev` are meant. Safe to run from several replicas at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    location: Where,
    /// Only this service's database.
    #[arg(long, global = true)]
    service: Option<Service>,
    /// A superuser's URL: with it, `up` also makes missing roles and databases.
    #[arg(
        long,
        value_name = "URL",
        env = "PLINTH_ADMIN_DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    admin_database_url: Option<String>,
    /// A file that it stands in, as orchestrators mount secrets.
    #[arg(
        long,
        value_name = "FILE",
        env = "PLINTH_ADMIN_DATABASE_URL_FILE",
        conflicts_with = "admin_database_url",
        global = true
    )]
    admin_database_url_file: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show where every migration stands.
    Status,
    /// Show the SQL that `up` would run.
    Plan,
    /// Apply what is pending; make missing roles and databases if a superuser's URL is known.
    Up,
    /// Take back the last migrations of one service.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: usize,
    },
    /// Fail unless everything is applied and no history was edited.
    Check,
}

/// Does it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let admin = match &options.admin_database_url_file {
        Some(file) => {
            let text = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
            Some(text.trim().to_owned())
        }
        None => options.admin_database_url,
    };
    let databases = options.location.databases(options.service, admin)?;
    match options.verb {
        Verb::Status => report::status(&databases.services).await,
        Verb::Plan => report::plan(&databases.services).await,
        Verb::Check => report::check(&databases.services).await,
        Verb::Up => up(&databases).await,
        Verb::Down { steps } => match databases.services.as_slice() {
            [one] => down(one, steps).await,
            _ => anyhow::bail!("say whose: --service auth"),
        },
    }
}

/// Makes what is missing and applies what is pending. Also what `plinth dev` does.
pub(crate) async fn up(databases: &Databases) -> anyhow::Result<()> {
    if let Some(admin) = &databases.admin_url {
        let accounts: anyhow::Result<Vec<Account>> =
            databases.services.iter().map(|database| Account::of(&database.settings)).collect();
        provision(admin.expose_secret(), &accounts?).await.context("can't make the roles and databases")?;
    }
    for database in &databases.services {
        let name = database.service.name();
        let applied = database.migrator()?.up().await.with_context(|| format!("can't migrate {name}"))?;
        if applied.is_empty() {
            say(&format!("{name}: up to date"))?;
        }
        applied.iter().try_for_each(|migration| say(&format!("{name}: applied {migration}")))?;
    }
    Ok(())
}

async fn down(database: &ServiceDatabase, steps: usize) -> anyhow::Result<()> {
    let name = database.service.name();
    let taken = database.migrator()?.down(steps).await.with_context(|| format!("can't migrate {name}"))?;
    if taken.is_empty() {
        return say(&format!("{name}: there is nothing to take back"));
    }
    taken.iter().try_for_each(|migration| say(&format!("{name}: took back {migration}")))
}
