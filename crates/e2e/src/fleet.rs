use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use local_servers::port;
use rustix::process::{Pid, Signal, kill_process};
use service_discovery::{Peer, PeerOptions, Service};

use crate::{Plinth, Tables};

/// Services as they are run in production: several processes of each, a role a process,
/// on one database a service. PostgreSQL and Redis are those of a `plinth dev`.
pub struct Fleet {
    servers: Plinth,
    /// Where the processes that serve are; public and internal.
    ports: BTreeMap<Service, (u16, u16)>,
    started: u32,
}

/// One process. It is killed with this value.
pub struct Member {
    process: Child,
    log: PathBuf,
    /// Its public listener.
    pub url: String,
    /// Its internal listener.
    pub internal_url: String,
}

/// Sealing keys, seeds: 32 bytes that are no secret.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Passwords of database roles and clients.
const PASSWORD: &str = "no-secret-but-long-enough-for-one";

const WITH_A_DATABASE: [Service; 3] = [Service::Auth, Service::Prefs, Service::Webhook];

impl Fleet {
    /// The servers and the databases, without any service yet.
    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    pub async fn start() -> Self {
        let servers = Plinth::servers().await;
        let two = |service| (service, (port::free().expect("a port"), port::free().expect("a port")));
        let ports = [Service::Gateway, Service::Auth, Service::Prefs, Service::Webhook].map(two).into();
        let fleet = Self { servers, ports, started: 0 };
        let admin = fleet.database_url("postgres", None);
        let migrated = fleet
            .command("plinth")
            .args(["migrate", "up", "--admin-database-url", &admin])
            .envs(WITH_A_DATABASE.iter().flat_map(|service| fleet.database(*service)))
            .output()
            .expect("the plinth command");
        assert!(migrated.status.success(), "{migrated:?}");
        fleet
    }

    /// Starts a process and waits until it is ready. One that serves is where the others
    /// look for it: there is one of each.
    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    pub async fn run(&mut self, service: Service, role: &str) -> Member {
        let free = || (port::free().expect("a port"), port::free().expect("a port"));
        let (public, internal) = if role == "api" { self.ports[&service] } else { free() };
        self.started += 1;
        let log = self.servers.state().join(format!("logs/{service}-{role}-{}.log", self.started));
        let output = File::create(&log).expect("a log");
        let own = [
            ("ROLE", role.to_owned()),
            ("HTTP__BIND", format!("127.0.0.1:{public}")),
            ("HTTP__INTERNAL_BIND", format!("127.0.0.1:{internal}")),
        ];
        let process = self
            .command(service.name())
            .envs(self.variables(service))
            .envs(own.map(|(name, value)| (variable(service, name), value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the log again"))
            .stderr(output)
            .spawn()
            .expect("the service's program");
        let [url, internal_url] = [public, internal].map(|port| format!("http://127.0.0.1:{port}"));
        testing::until_ready(&url).await;
        Member { process, log, url, internal_url }
    }

    /// A look into a service's tables.
    #[must_use]
    pub fn tables(&self, service: Service) -> Tables {
        Tables::at(self.database_url(service.name(), Some(service.name())))
    }

    /// Where PostgreSQL and Redis can be killed.
    #[must_use]
    pub const fn servers(&self) -> &Plinth {
        &self.servers
    }

    /// The process of a service that serves, for its contract's client.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    pub fn peer(&self, service: Service) -> Peer {
        let options = PeerOptions { timeout: Duration::from_secs(30), ..PeerOptions::default() };
        Peer::new(&[self.url(service).parse().expect("a URL")], &options).expect("a peer")
    }

    fn url(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", self.ports[&service].0)
    }

    /// A program of ours that knows nothing of this process's environment.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(testing::bin_dir().join(name));
        command.env_clear().current_dir(self.servers.state());
        command
    }

    fn variables(&self, service: Service) -> Vec<(String, String)> {
        let mut all = vec![
            ("PLINTH_ENV".to_owned(), "development".to_owned()),
            ("PLINTH_PUBLIC_URL".to_owned(), self.url(Service::Gateway)),
        ];
        for (other, (public, internal)) in &self.ports {
            let name = other.name().to_uppercase();
            all.push((format!("{name}_SERVICE_URL"), format!("http://127.0.0.1:{public}")));
            all.push((format!("{name}_INTERNAL_URL"), format!("http://127.0.0.1:{internal}")));
        }
        all.extend(self.database(service));
        let own = match service {
            Service::Auth => vec![
                ("SEALING__KEYS", format!("k:{KEY}")),
                ("CLIENTS__GATEWAY", PASSWORD.to_owned()),
                ("CLIENTS__PREFS", PASSWORD.to_owned()),
                ("CLIENTS__WEBHOOK", PASSWORD.to_owned()),
                ("EVENTS__SUBSCRIBERS", Service::Prefs.to_string()),
                ("IDENTITY__TAKES_CLIENTS_TOKENS", "true".to_owned()),
            ],
            _ => vec![
                ("SEALING__KEYS", format!("k:{KEY}")),
                ("CLIENT__SECRET", PASSWORD.to_owned()),
                ("EVENTS__SUBSCRIBERS", Service::Auth.to_string()),
            ],
        };
        all.extend(own.into_iter().map(|(name, value)| (variable(service, name), value)));
        all
    }

    fn database(&self, service: Service) -> Vec<(String, String)> {
        let (name, owner) = (service.name(), format!("{service}_owner"));
        vec![
            (variable(service, "DATABASE__URL"), self.database_url(name, Some(name))),
            (variable(service, "DATABASE__OWNER_URL"), self.database_url(name, Some(&owner))),
        ]
    }

    /// The URL of a database as one of its roles, or as the superuser.
    #[expect(clippy::expect_used, reason = "a test without Plinth cannot go on")]
    fn database_url(&self, database: &str, role: Option<&str>) -> String {
        let endpoints = self.servers.endpoints().expect("it is ready");
        let admin = endpoints["postgres"]["url"].as_str().expect("the superuser's URL");
        let Some(role) = role else { return admin.to_owned() };
        let (_, place) = admin.rsplit_once('@').expect("a URL with a password");
        let (place, _) = place.split_once('/').expect("a URL with a database");
        format!("postgres://{role}:{PASSWORD}@{place}/{database}")
    }
}

fn variable(service: Service, name: &str) -> String {
    format!("{}__{name}", service.name().to_uppercase())
}

impl Member {
    /// Sends it a signal.
    #[expect(clippy::expect_used, reason = "a fault that does not happen proves nothing")]
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid().expect("a pid"), signal).expect("it can be signalled");
    }

    /// How it ended, if it did within `patience`.
    pub async fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// The status of a GET of one of its listeners.
    #[expect(clippy::expect_used, reason = "a process that does not answer is a fault")]
    pub async fn status(&self, listener: &str, path: &str) -> u16 {
        let reply = testing::http().get(format!("{listener}{path}")).send().await;
        reply.expect("an answer").status().as_u16()
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.process.id()).ok()?)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
