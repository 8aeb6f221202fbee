//! Plinth as it is run, each service a process, on the PostgreSQL that is measured with.

mod cost;
mod load;
mod people;
mod program;
mod wire;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use local_servers::{Redis, port, redis};
use service_discovery::Service;
use tempfile::TempDir;

use crate::servers::Servers;
pub(crate) use cost::{Meter, Spent, computed_below, memory};
pub(crate) use load::{Load, drive, send};
pub(crate) use people::{PERSONS_PASSWORD, Person, arrive, forwarded};
pub(crate) use program::Program;
pub(crate) use wire::Wire;

/// Sealing keys, seeds: 32 bytes that are no secret.
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// Passwords of database roles and clients.
pub(crate) const PASSWORD: &str = "no-secret-but-long-enough-for-one";

/// More than is ever asked.
const BOUNDLESS: &str = "100000/s";

const WITH_A_DATABASE: [Service; 2] = [Service::Auth, Service::Prefs];

/// It ends with this value.
pub(crate) struct Plinth {
    programs: Vec<Program>,
    /// Public and internal.
    ports: BTreeMap<Service, (u16, u16)>,
    redis: Redis,
    http: reqwest::Client,
    dir: TempDir,
}

impl Plinth {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(servers: &Servers) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let redis = Redis::start(&dir.path().join("redis"), redis::Options::new(PASSWORD)).await?;
        let mut ports = BTreeMap::new();
        for service in [Service::Auth, Service::Prefs, Service::Gateway] {
            ports.insert(service, (port::free()?, port::free()?));
        }
        let mut plinth = Self { programs: Vec::new(), ports, redis, http: testing::http(), dir };
        plinth.migrate(servers)?;
        for service in [Service::Auth, Service::Prefs, Service::Gateway] {
            let log = std::fs::File::create(plinth.dir.path().join(format!("{service}.log")))?;
            let mut command = command(service.name())?;
            command.envs(plinth.variables(servers, service)).stdout(log.try_clone()?).stderr(log);
            plinth.programs.push(Program::spawn(&mut command)?);
        }
        for service in [Service::Auth, Service::Prefs, Service::Gateway] {
            plinth.until_ready(service).await?;
        }
        Ok(plinth)
    }

    /// Starts another process of a service, with variables in the place of those of the first;
    /// the base URL of its public listener.
    pub(crate) async fn another(
        &self,
        servers: &Servers,
        service: Service,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<(Program, String)> {
        let (public, internal) = (port::free()?, port::free()?);
        let told = self.dir.path().join(format!("{service}-{public}.log"));
        let log = std::fs::File::create(&told)?;
        let mut command = command(service.name())?;
        command
            .envs(self.variables(servers, service))
            .env(variable(service, "HTTP__BIND"), format!("127.0.0.1:{public}"))
            .env(variable(service, "HTTP__INTERNAL_BIND"), format!("127.0.0.1:{internal}"))
            .envs(variables.iter().copied())
            .stdout(log.try_clone()?)
            .stderr(log);
        let (program, url) = (Program::spawn(&mut command)?, format!("http://127.0.0.1:{public}"));
        self.until_answers(&url, &told).await?;
        Ok((program, url))
    }

    /// The gateway, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        self.public(Service::Gateway)
    }

    /// A service's internal listener.
    pub(crate) fn internal(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", self.ports[&service].1)
    }

    /// A client that keeps its connections.
    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// What its processes and their databases spend.
    pub(crate) async fn meter(&self, servers: &Servers) -> anyhow::Result<Meter> {
        let pids = self.programs.iter().map(Program::pid).collect();
        Meter::start(pids, servers, &["auth", "prefs"]).await
    }

    fn public(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", self.ports[&service].0)
    }

    /// Makes roles, databases and tables.
    fn migrate(&self, servers: &Servers) -> anyhow::Result<()> {
        let migrated = command("plinth")?
            .args(["migrate", "up", "--admin-database-url", &servers.url("postgres")])
            .envs(WITH_A_DATABASE.iter().flat_map(|service| database(servers, *service)))
            .output()?;
        anyhow::ensure!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        Ok(())
    }

    async fn until_ready(&self, service: Service) -> anyhow::Result<()> {
        let told = self.dir.path().join(format!("{service}.log"));
        self.until_answers(&self.public(service), &told).await
    }

    async fn until_answers(&self, url: &str, told: &Path) -> anyhow::Result<()> {
        let (ready, began) = (format!("{url}/readyz"), Instant::now());
        while !self.http.get(&ready).send().await.is_ok_and(|reply| reply.status().is_success()) {
            if began.elapsed() > Duration::from_secs(30) {
                anyhow::bail!("{url} is not ready: {}", std::fs::read_to_string(told)?);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn variables(&self, servers: &Servers, service: Service) -> Vec<(String, String)> {
        let mut all = vec![
            ("PLINTH_ENV".to_owned(), "development".to_owned()),
            ("PLINTH_PUBLIC_URL".to_owned(), self.url()),
        ];
        for other in self.ports.keys() {
            let name = other.name().to_uppercase();
            all.push((format!("{name}_SERVICE_URL"), self.public(*other)));
            all.push((format!("{name}_INTERNAL_URL"), self.internal(*other)));
        }
        let (public, internal) = self.ports[&service];
        let mut own = vec![
            ("HTTP__BIND", format!("127.0.0.1:{public}")),
            ("HTTP__INTERNAL_BIND", format!("127.0.0.1:{internal}")),
        ];
        match service {
            Service::Auth => own.extend([
                ("SEALING__KEYS", format!("k:{KEY}")),
                ("CLIENTS__GATEWAY", PASSWORD.to_owned()),
                ("CLIENTS__PREFS", PASSWORD.to_owned()),
                ("EVENTS__SUBSCRIBERS", Service::Prefs.to_string()),
                // Longer than a part of the bench takes.
                ("TOKENS__ACCESS_SECONDS", "900".to_owned()),
            ]),
            Service::Gateway => own.extend([
                ("TOKEN__KEYS", KEY.to_owned()),
                ("CLIENT__SECRET", PASSWORD.to_owned()),
                ("REDIS__URL", self.redis.url()),
                ("SERVICES", WITH_A_DATABASE.map(Service::name).join(",")),
                // Everybody comes from an address of their own, as `forwarded` says.
                ("TRUSTED_PROXIES", "127.0.0.0/8".to_owned()),
                // Requests are counted as in production, but none is too many.
                ("LIMITS__IP", BOUNDLESS.to_owned()),
                ("LIMITS__LOGIN", BOUNDLESS.to_owned()),
                ("LIMITS__PROOFS", BOUNDLESS.to_owned()),
                ("LIMITS__USERS", format!("default={BOUNDLESS}")),
                ("LIMITS__ORGANIZATIONS", format!("default={BOUNDLESS}")),
            ]),
            _ => {
                own.extend([
                    ("SEALING__KEYS", format!("k:{KEY}")),
                    ("CLIENT__SECRET", PASSWORD.to_owned()),
                    ("EVENTS__SUBSCRIBERS", Service::Auth.to_string()),
                ]);
            }
        }
        all.extend(own.into_iter().map(|(name, value)| (variable(service, name), value)));
        if WITH_A_DATABASE.contains(&service) {
            all.extend(database(servers, service));
        }
        all
    }
}

fn database(servers: &Servers, service: Service) -> [(String, String); 2] {
    let name = service.name();
    [
        (variable(service, "DATABASE__URL"), servers.url_as(name, PASSWORD, name)),
        (variable(service, "DATABASE__OWNER_URL"), servers.url_as(&format!("{name}_owner"), PASSWORD, name)),
    ]
}

fn variable(service: Service, name: &str) -> String {
    format!("{}__{name}", service.name().to_uppercase())
}

/// A program of ours, which lies beside this one and knows nothing of its environment.
pub(crate) fn command(name: &str) -> anyhow::Result<Command> {
    let beside: PathBuf = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(beside.exists(), "{} is not built: run it by `make bench`", beside.display());
    let mut command = Command::new(beside);
    command.env_clear().stdin(Stdio::null());
    Ok(command)
}
