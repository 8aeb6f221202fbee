//! What the binary can be told to do.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use prefs::{App, Settings};
use service_kit::{
    command::{migrate, print},
    signals,
};

/// Preferences: namespaces with schemas, a layer of overrides for every user.
///
/// Settings come from variables such as PREFS__DATABASE__URL; the service's README
/// lists them.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Command {
    /// A TOML file with settings; variables win over it.
    #[arg(long, env = "PLINTH_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Check the settings, name every fault, and do nothing else.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Serve (the default).
    Serve,
    /// Bring the database to this release's schema.
    Migrate,
    /// Print the OpenAPI document.
    Openapi,
    /// Check the settings, name every fault, and do nothing else.
    CheckConfig,
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        let verb = if self.check_config { Verb::CheckConfig } else { self.verb.unwrap_or(Verb::Serve) };
        if let Verb::Openapi = verb {
            return print(&prefs::openapi().to_pretty_json()?);
        }
        let settings = Settings::load(self.config.as_deref())?;
        match verb {
            Verb::Serve => serve(settings),
            Verb::Migrate => {
                tokio::runtime::Runtime::new()?.block_on(migrate(&settings.database, prefs::migrations()?))
            }
            Verb::CheckConfig | Verb::Openapi => print("the settings are in order"),
        }
    }
}

fn serve(settings: Settings) -> Result<()> {
    let _logs = observability::start(&settings.logs)?;
    actix_web::rt::System::new().block_on(async {
        let app = App::build(settings)?;
        let stop = async {
            // Without signals there is nothing to wait for: it ends at once.
            let _ = signals::terminated().await;
        };
        Ok(app.run(stop).await?)
    })
}
