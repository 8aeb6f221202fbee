//! What the binary can be told to do.

use anyhow::Result;
use clap::{Parser, Subcommand};
use gateway::{App, Source};
use service_kit::command::{SettingsOptions, print, serve};

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
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        let verb =
            if self.settings.check_config { Verb::CheckConfig } else { self.verb.unwrap_or(Verb::Serve) };
        if let Verb::Openapi = verb {
            return print(&gateway::openapi().to_pretty_json()?);
        }
        let source = Source::new(self.settings.config);
        let settings = source.settings()?;
        match verb {
            Verb::Serve => serve(&settings.logs.clone(), async |stop| {
                Ok(App::build(settings).await?.following(source).run(stop).await?)
            }),
            Verb::CheckConfig | Verb::Openapi => print("the settings are in order"),
        }
    }
}
