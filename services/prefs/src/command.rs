//! What the binary can be told to do.

use anyhow::Result;
use clap::{Parser, Subcommand};
use prefs::{App, Settings};
use service_discovery::Service;
use service_kit::command::{SettingsOptions, healthcheck, migrate, print, serve};

/// Preferences: namespaces with schemas, a layer of overrides for every user.
///
/// Settings come from variables such as PREFS__DATABASE__URL; the service's README
/// lists them.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Command {
    #[command(flatten)]
    settings: SettingsOptions,
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
    /// Ask the service that runs here whether it can serve: a container's health check.
    Healthcheck,
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        let verb =
            if self.settings.check_config { Verb::CheckConfig } else { self.verb.unwrap_or(Verb::Serve) };
        let settings = || Settings::load(self.settings.config.as_deref());
        match verb {
            Verb::Serve => {
                let settings = settings()?;
                serve(&settings.logs.clone(), async |stop| Ok(App::build(settings)?.run(stop).await?))
            }
            Verb::Migrate => {
                tokio::runtime::Runtime::new()?.block_on(migrate(&settings()?.database, prefs::migrations()?))
            }
            Verb::Openapi => print(&prefs::openapi().to_pretty_json()?),
            Verb::CheckConfig => {
                settings().map_err(Into::into).and_then(|_| print("the settings are in order"))
            }
            Verb::Healthcheck => healthcheck(Service::Prefs, &self.settings),
        }
    }
}
