//! What the binary can be told to do.

use anyhow::Result;
use clap::{Parser, Subcommand};
use gateway::{App, Source};
use service_discovery::Service;
use service_kit::command::{SettingsOptions, healthcheck, print, serve};

/// The one door: verifies the credential, routes, streams.
///
/// Settings come from variables such as GATEWAY__REDIS__URL; the service's README
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
    /// Print the OpenAPI document of the gateway's own routes.
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
        match verb {
            Verb::Serve => {
                let source = Source::new(self.settings.config);
                let settings = source.settings()?;
                serve(&settings.logs.clone(), async |stop| {
                    Ok(App::build(settings).await?.following(source).run(stop).await?)
                })
            }
            Verb::Openapi => print(&gateway::openapi().to_pretty_json()?),
            Verb::CheckConfig => {
                Source::new(self.settings.config).settings()?;
                print("the settings are in order")
            }
            Verb::Healthcheck => healthcheck(Service::Gateway, &self.settings),
        }
    }
}
