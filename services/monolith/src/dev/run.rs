//! What all parts of one run share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use local_servers::postgres::SUPERUSER;
use service_discovery::Service;
use tokio_util::sync::CancellationToken;

use super::children::Children;
use super::endpoints;
use super::options::Options;
use super::ports::Ports;
use super::screen::Screen;
use super::secrets::Secrets;
use super::state::StateDir;

/// One run of `plinth dev`.
pub(crate) struct Run {
    pub(crate) state: StateDir,
    pub(crate) secrets: Secrets,
    pub(crate) ports: Ports,
    pub(crate) screen: Screen,
    pub(crate) children: Children,
    /// The services to run, in the order of their start.
    pub(crate) services: Vec<Service>,
    /// Whether limits are those of production.
    pub(crate) strict_limits: bool,
    /// How many days accounts can be restored, unless auth's default is wanted.
    pub(crate) deletion_grace_days: Option<u8>,
    /// Cancelled when the run is to end: nothing is started again after that.
    pub(crate) stopping: CancellationToken,
    /// The guard's process id; 0 while there is none.
    pub(crate) guard: AtomicU32,
    ready: AtomicBool,
}

impl Run {
    pub(crate) fn new(state: StateDir, secrets: Secrets, ports: Ports, options: &Options) -> Self {
        let (services, strict_limits) = (options.services(), options.strict_limits);
        let deletion_grace_days = options.deletion_grace_days;
        let children = Children::new(state.children());
        let (screen, stopping) = (Screen::new(), CancellationToken::new());
        let (guard, ready) = (AtomicU32::new(0), AtomicBool::new(false));
        Self {
            state,
            secrets,
            ports,
            screen,
            children,
            services,
            strict_limits,
            deletion_grace_days,
            stopping,
            guard,
            ready,
        }
    }

    /// Whether the stand-ins run: they take the places of what auth needs.
    pub(crate) fn has_standins(&self) -> bool {
        self.services.contains(&Service::Auth)
    }

    /// What to say when services run without auth, which gives them keys and revocations.
    pub(crate) fn hint_without_auth(&self) -> Option<String> {
        let first = self.services.first().filter(|_| !self.services.contains(&Service::Auth))?;
        let (auth, internal) = (self.ports.url(Service::Auth), self.ports.internal_url(Service::Auth));
        Some(format!(
            "auth is not among the services: {first} becomes ready only when one answers at {auth} and {internal}. \
             To start it here, too: --only auth,{first}"
        ))
    }

    /// The services whose ports are taken, those that are stood in for among them.
    pub(crate) fn listening(&self) -> Vec<Service> {
        let stood_in_for = self.has_standins().then_some(Service::Notify);
        self.services.iter().copied().chain(stood_in_for).collect()
    }

    /// The URL of a database as the superuser.
    pub(crate) fn superuser_url(&self, database: &str) -> String {
        self.postgres_url(SUPERUSER, &self.secrets.postgres, database)
    }

    /// The URL of a service's database as its serving role. None if it has none.
    pub(crate) fn database_url(&self, service: Service) -> Option<String> {
        let roles = self.secrets.database(service)?;
        Some(self.postgres_url(service.name(), &roles.serving, service.name()))
    }

    /// The URL of a service's database as the role that owns it. None if it has none.
    pub(crate) fn owner_url(&self, service: Service) -> Option<String> {
        let roles = self.secrets.database(service)?;
        Some(self.postgres_url(&format!("{service}_owner"), &roles.owner, service.name()))
    }

    pub(crate) fn redis_url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.secrets.redis, self.ports.redis)
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.state.logs().join(format!("{name}.log"))
    }

    /// From now on the endpoints are published, and again whenever a process is replaced.
    pub(crate) fn announce(&self) -> std::io::Result<()> {
        self.ready.store(true, Ordering::Release);
        self.refresh()
    }

    /// Publishes the endpoints if the run is ready.
    pub(crate) fn refresh(&self) -> std::io::Result<()> {
        if self.ready.load(Ordering::Acquire) && !self.stopping.is_cancelled() {
            endpoints::publish(self)?;
        }
        Ok(())
    }

    fn postgres_url(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}", self.ports.postgres)
    }
}
