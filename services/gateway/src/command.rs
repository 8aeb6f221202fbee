//! What the binary can be told to do.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use gateway::{App, Settings};
use service_kit::{command::print, signals};

/// The one door: verifies the credential, routes, streams.
///
/// Settings come from variables such as GATEWAY__REDIS__URL; the service's README
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
    /// Print the OpenAPI document of the gateway's own routes.
    Openapi,
    /// Check the settings, name every fault, and do nothing else.
    CheckConfig,
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        let verb = if self.check_config { Verb::CheckConfig } else { self.verb.unwrap_or(Verb::Serve) };
        if let Verb::Openapi = verb {
            return print(&gateway::openapi().to_pretty_json()?);
        }
        let settings = Settings::load(self.config.as_deref())?;
        match verb {
            Verb::Serve => serve(settings),
            Verb::CheckConfig | Verb::Openapi => print("the settings are in order"),
        }
    }
}

fn serve(settings: Settings) -> Result<()> {
    let _logs = observability::start(&settings.logs)?;
    actix_web::rt::System::new().block_on(async {
        let app = App::build(settings).await?;
        let stop = async {
            // Without signals there is nothing to wait for: it ends at once.
            let _ = signals::terminated().await;
        };
        Ok(app.run(stop).await?)
    })
}
