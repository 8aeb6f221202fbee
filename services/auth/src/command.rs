//! What the binary can be told to do.

use anyhow::Result;
use auth::{App, Settings, admin};
use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;
use service_discovery::Service;
use service_kit::{
    command::{SettingsOptions, healthcheck, migrate, print, serve},
    db::Connector,
    settings::Reader,
};

/// People, organisations, sessions, API keys and tokens.
///
/// Settings come from variables such as AUTH__DATABASE__URL; the service's README
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
    /// The keys that tokens are signed with.
    Keys {
        #[command(subcommand)]
        verb: KeysVerb,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// Show every key and what it is.
    List,
    /// Add a key that takes over in ten minutes.
    Rotate {
        /// Take over at once and void what the old keys signed: one was stolen.
        #[arg(long)]
        now: bool,
    },
}

impl Command {
    pub(crate) fn run(self) -> Result<()> {
        let verb =
            if self.settings.check_config { Verb::CheckConfig } else { self.verb.unwrap_or(Verb::Serve) };
        let settings = || Settings::read(Reader::open(Service::Auth, self.settings.config.as_deref()));
        match verb {
            Verb::Serve => {
                let settings = settings()?;
                serve(&settings.logs.clone(), async |stop| Ok(App::build(settings).await?.run(stop).await?))
            }
            Verb::Migrate => {
                tokio::runtime::Runtime::new()?.block_on(migrate(&settings()?.database, auth::migrations()?))
            }
            Verb::Keys { verb } => tokio::runtime::Runtime::new()?.block_on(keys(&settings()?, &verb)),
            Verb::Openapi => print(&auth::openapi().to_pretty_json()?),
            Verb::CheckConfig => {
                settings().map_err(Into::into).and_then(|_| print("the settings are in order"))
            }
            Verb::Healthcheck => healthcheck(Service::Auth, &self.settings),
        }
    }
}

async fn keys(settings: &Settings, verb: &KeysVerb) -> Result<()> {
    let database = &settings.database;
    let connector = Connector::new(database.url.expose_secret(), database.ca_file.as_deref())?;
    let mut connection = connector.connect().await?;
    match verb {
        KeysVerb::List => print(&admin::list_signing_keys(&mut connection).await?.join("\n")),
        KeysVerb::Rotate { now } => {
            let kid = admin::rotate_signing_key(&mut connection, &settings.keyring, *now).await?;
            let when = if *now { "signs from now on" } else { "takes over in ten minutes" };
            print(&format!("{kid} is published and {when}; replicas learn of it within 15 seconds"))
        }
    }
}
