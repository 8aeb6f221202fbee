//! `endpoints.json`: where everything answers and which processes those are, for tests and tools.
//! It is there while a run is ready.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use service_discovery::Service;

use super::run::Run;
use super::state::{StateDir, write_private};

#[derive(Serialize)]
struct Endpoints<'a> {
    /// The gateway.
    url: String,
    docs_url: String,
    /// Of `plinth dev`.
    pid: u32,
    /// Of the process that cleans up if `plinth dev` is killed.
    guard_pid: u32,
    state_dir: &'a Path,
    services: BTreeMap<&'static str, ServiceEndpoint>,
    postgres: ServerEndpoint,
    redis: ServerEndpoint,
    /// Where mails are shown, if auth runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<ServerEndpoint>,
}

#[derive(Serialize)]
struct ServiceEndpoint {
    url: String,
    internal_url: String,
    /// None while it is being started again.
    pid: Option<u32>,
    /// As the serving role.
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// As the role that owns the tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_url: Option<String>,
}

#[derive(Serialize)]
struct ServerEndpoint {
    /// With the password, where there is one; of PostgreSQL the superuser's.
    url: String,
    pid: Option<u32>,
}

pub(crate) fn publish(run: &Run) -> io::Result<()> {
    let url = run.ports.url(Service::Gateway);
    let service = |service: &Service| {
        let endpoint = ServiceEndpoint {
            url: run.ports.url(*service),
            internal_url: run.ports.internal_url(*service),
            pid: run.children.pid(service.name()),
            database_url: run.database_url(*service),
            owner_url: run.owner_url(*service),
        };
        (service.name(), endpoint)
    };
    let endpoints = Endpoints {
        docs_url: format!("{url}/docs"),
        url,
        pid: std::process::id(),
        guard_pid: run.guard.load(Ordering::Relaxed),
        state_dir: run.state.path(),
        services: run.services.iter().map(service).collect(),
        postgres: ServerEndpoint { url: run.superuser_url("postgres"), pid: run.children.pid("postgres") },
        redis: ServerEndpoint { url: run.redis_url(), pid: run.children.pid("redis") },
        mailbox: run.has_standins().then(|| ServerEndpoint {
            url: run.ports.url(Service::Notify),
            pid: run.children.pid("standins"),
        }),
    };
    write_private(&run.state.endpoints(), &endpoints)
}

/// What a run published, as far as other commands need it.
#[derive(Debug, Deserialize)]
pub(crate) struct Published {
    /// The gateway.
    pub(crate) url: String,
    services: BTreeMap<String, PublishedService>,
    pub(crate) postgres: PublishedServer,
    /// Where mails are shown, if auth runs.
    pub(crate) mailbox: Option<PublishedServer>,
}

#[derive(Debug, Deserialize)]
struct PublishedService {
    database_url: Option<String>,
    owner_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PublishedServer {
    /// Of PostgreSQL with the superuser's password.
    pub(crate) url: String,
}

impl Published {
    /// The URL of a service's database as its serving role.
    pub(crate) fn database_url(&self, service: Service) -> Option<&str> {
        self.services.get(service.name())?.database_url.as_deref()
    }

    /// The settings of a service's database.
    pub(crate) fn database_variables(&self, service: Service) -> Vec<(String, String)> {
        let known = self.services.get(service.name());
        known.map_or_else(Vec::new, |known| {
            database_variables(service, known.database_url.clone(), known.owner_url.clone())
        })
    }
}

/// The settings of a service's database, as variables.
pub(crate) fn database_variables(
    service: Service,
    url: Option<String>,
    owner_url: Option<String>,
) -> Vec<(String, String)> {
    let name = |key: &str| format!("{}__DATABASE__{key}", service.name().to_uppercase());
    let url = url.map(|url| (name("URL"), url));
    url.into_iter().chain(owner_url.map(|url| (name("OWNER_URL"), url))).collect()
}

/// What the run of this checkout (or of the state directory that was asked for) published; `None`
/// when there is none.
pub(crate) fn read(asked: Option<PathBuf>) -> anyhow::Result<Option<Published>> {
    let state = StateDir::find(asked)?;
    match fs::read(state.endpoints()) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
