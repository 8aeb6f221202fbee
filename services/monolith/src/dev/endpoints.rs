//! `endpoints.json`: where everything answers and which processes those are, for tests and tools.
//! It is there while a run is ready.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use serde::Serialize;
use service_discovery::Service;

use super::run::Run;
use super::state::write_private;

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
}

#[derive(Serialize)]
struct ServerEndpoint {
    /// With the password; of PostgreSQL the superuser's.
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
    };
    write_private(&run.state.endpoints(), &endpoints)
}
