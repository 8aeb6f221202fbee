//! Where the services' databases are: as the settings say, or those of the running `plinth dev`.

use std::path::PathBuf;

use anyhow::Context;
use secrecy::SecretString;
use service_discovery::Service;
use service_kit::{
    migrations::{Catalogue, Migrator},
    settings::{Database, Reader},
};

use crate::dev;

/// How to find them.
#[derive(Debug, clap::Args)]
pub(crate) struct Where {
    /// A TOML file with the services' settings; variables win over it.
    #[arg(long, env = "PLINTH_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The state directory of the `plinth dev` to use when no setting says where the databases are.
    #[arg(long, value_name = "DIR", env = "PLINTH_STATE_DIR", global = true)]
    state_dir: Option<PathBuf>,
}

/// All of them, and who may make more.
pub(crate) struct Databases {
    pub(crate) services: Vec<ServiceDatabase>,
    pub(crate) admin_url: Option<SecretString>,
}

/// The database of one service.
pub(crate) struct ServiceDatabase {
    pub(crate) service: Service,
    pub(crate) settings: Database,
    pub(crate) catalogue: Catalogue,
}

impl ServiceDatabase {
    /// What brings it up to date, as the role that owns it.
    pub(crate) fn migrator(&self) -> anyhow::Result<Migrator> {
        Ok(Migrator::of(&self.settings, self.catalogue.clone())?)
    }
}

impl Where {
    /// Finds them, or that of one service alone, of which alone settings are wanted then.
    /// `admin_url` is a superuser's, to make what is missing; a running `plinth dev` has one.
    ///
    /// # Errors
    /// Every fault of the settings at once, or what to do when there are none.
    pub(crate) fn databases(
        &self,
        only: Option<Service>,
        admin_url: Option<String>,
    ) -> anyhow::Result<Databases> {
        let wanted: Vec<Service> =
            services().filter(|service| only.is_none_or(|only| only == *service)).collect();
        if let Some(only) = only {
            anyhow::ensure!(!wanted.is_empty(), "{only} has no database");
        }
        let open = |service| (service, Reader::open(service, self.config.as_deref()));
        let readers: Vec<(Service, Reader)> = wanted.iter().copied().map(open).collect();
        let admin_url = admin_url.map(SecretString::from);
        if readers.iter().any(|(_, reader)| reader.is_given()) {
            return Ok(Databases { services: from_settings(readers)?, admin_url });
        }
        let running = dev::endpoints::read(self.state_dir.clone())?.context(
            "nothing says where the databases are: set AUTH__DATABASE__URL and the like, or start `plinth dev`",
        )?;
        let admin_url = admin_url.or_else(|| Some(running.postgres.url.clone().into()));
        let open = |service| (service, Reader::new(service, None, running.database_variables(service)));
        Ok(Databases { services: from_settings(wanted.into_iter().map(open))?, admin_url })
    }
}

/// The services that have a database.
fn services() -> impl Iterator<Item = Service> {
    Service::SHIPPED.into_iter().filter(|service| catalogue(*service).is_some())
}

/// The migrations of a service; `None` when it has no database.
fn catalogue(service: Service) -> Option<anyhow::Result<Catalogue>> {
    match service {
        Service::Auth => Some(auth::migrations().map_err(Into::into)),
        Service::Prefs => Some(prefs::migrations().map_err(Into::into)),
        Service::Webhook => Some(webhook::migrations().map_err(Into::into)),
        _ => None,
    }
}

/// Every service's settings, or all their faults.
pub(crate) fn from_settings(
    readers: impl IntoIterator<Item = (Service, Reader)>,
) -> anyhow::Result<Vec<ServiceDatabase>> {
    let (mut databases, mut faults) = (Vec::new(), Vec::new());
    for (service, mut read) in readers {
        let group = Database::read(&mut read);
        match read.finish_group(group) {
            Ok(settings) => {
                let catalogue = catalogue(service).context("it has no migrations")??;
                databases.push(ServiceDatabase { service, settings, catalogue });
            }
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    anyhow::ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(databases)
}
