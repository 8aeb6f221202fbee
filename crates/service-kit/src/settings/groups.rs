//! The groups of settings that every service has.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::LazyLock, time::Duration};

use observability::{LogFormat, Options};
use secrecy::SecretString;
use service_discovery::Service;

use super::{Environment, Reader, reader::ENVIRONMENT};

/// `PLINTH_ENV`; production unless it says otherwise.
pub fn environment(read: &mut Reader) -> Environment {
    read.shared(ENVIRONMENT).unwrap_or(Environment::Production)
}

/// What a process of a service does. Several processes of different roles share a
/// database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Answers requests.
    Api,
    /// Runs jobs.
    Worker,
    /// Fires schedules.
    Cron,
    /// All of it.
    #[default]
    All,
}

impl Role {
    /// Reads `role`.
    pub fn read(read: &mut Reader) -> Self {
        read.or("role", Self::default())
    }

    /// Whether clients are served; health and metrics are, by every role.
    #[must_use]
    pub const fn serves(self) -> bool {
        matches!(self, Self::Api | Self::All)
    }

    /// Whether jobs are run and events are carried.
    #[must_use]
    pub const fn works(self) -> bool {
        matches!(self, Self::Worker | Self::All)
    }

    /// Whether schedules are fired.
    #[must_use]
    pub const fn schedules(self) -> bool {
        matches!(self, Self::Cron | Self::All)
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "api" => Ok(Self::Api),
            "worker" => Ok(Self::Worker),
            "cron" => Ok(Self::Cron),
            "all" => Ok(Self::All),
            _ => Err("one of api, worker, cron, all is wanted"),
        }
    }
}

/// Those that the process had when it began: they may grow, and its threads would not.
static CORES: LazyLock<usize> = LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// The listeners of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Where clients (or the gateway) call: `http.bind`.
    pub bind: SocketAddr,
    /// Where metrics and `/internal/*` are: `http.internal_bind`.
    pub internal_bind: SocketAddr,
    /// Threads that serve: `http.workers`; by default one a core, and two of the gateway, which
    /// shares the cores with those that it calls (measured: a tenth more than with one).
    pub workers: usize,
    /// How long requests are still taken after SIGTERM, while load balancers learn
    /// of it: `http.drain_seconds`.
    pub drain: Duration,
    /// How long requests may then take to finish: `http.grace_seconds`.
    pub grace: Duration,
    /// What the public listener shows to speak TLS: `http.tls.*`; without, it does not.
    pub tls: Option<TlsFiles>,
    /// Whether the public listener takes HTTP/2 in clear text, too, from whom begins with it:
    /// `http.http2`. By TLS it does so in any case.
    pub http2: bool,
}

/// A certificate and its key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the own certificate first: `certificate_file`.
    pub certificate: PathBuf,
    /// Its private key: `key_file`.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads `certificate_file` and `key_file` below a key such as `http.tls`: both or none.
    pub fn read(read: &mut Reader, below: &str) -> Option<Self> {
        let [certificate_key, key_key] = ["certificate_file", "key_file"].map(|key| format!("{below}.{key}"));
        let certificate = read.optional_parsed(&certificate_key, readable_file);
        let key = read.optional_parsed(&key_key, readable_file);
        match (certificate, key) {
            (Some(certificate), Some(key)) => return Some(Self { certificate, key }),
            (Some(_), None) => read.fault(read.variable(&key_key), "a certificate needs its key"),
            (None, Some(_)) => read.fault(read.variable(&certificate_key), "a key needs its certificate"),
            (None, None) => {}
        }
        None
    }
}

impl Http {
    /// Reads `http.*`. By default both listeners are on the loopback interface.
    pub fn read(read: &mut Reader, service: Service) -> Self {
        let drain = match environment(read) {
            Environment::Development => 0,
            Environment::Production => 5,
        };
        let threads = if service == Service::Gateway { 2 * *CORES } else { *CORES };
        let bind: SocketAddr = read.or("http.bind", ([127, 0, 0, 1], service.port()).into());
        let internal_bind = read.or("http.internal_bind", ([127, 0, 0, 1], service.internal_port()).into());
        if bind == internal_bind && bind.port() != 0 {
            let variable = read.variable("http.internal_bind");
            read.fault(variable, "the internal listener needs an address of its own");
        }
        Self {
            bind,
            internal_bind,
            workers: read.within("http.workers", threads, 1..=1024),
            drain: Duration::from_secs(read.or("http.drain_seconds", drain)),
            grace: Duration::from_secs(read.or("http.grace_seconds", 8)),
            tls: TlsFiles::read(read, "http.tls"),
            http2: read.or("http.http2", false),
        }
    }
}

/// The database of a service.
#[derive(Clone, Debug)]
pub struct Database {
    /// The runtime role's URL: `database.url`.
    pub url: SecretString,
    /// The owner's URL, for migrations: `database.owner_url`.
    pub owner_url: Option<SecretString>,
    /// The most connections of this process: `database.pool_size`.
    pub pool_size: usize,
    /// A certificate authority (PEM file) to trust beside the system's:
    /// `database.ca_file`. Whether TLS is used, the URL's `sslmode` says.
    pub ca_file: Option<PathBuf>,
}

impl Database {
    /// Reads `database.*`.
    pub fn read(read: &mut Reader) -> Option<Self> {
        let url = read.parsed("database.url", connection_url);
        let owner_url = read.optional_parsed("database.owner_url", connection_url);
        let pool_size = read.within("database.pool_size", 10_usize, 1..=1000);
        let ca_file = read.optional_parsed("database.ca_file", readable_file);
        Some(Self { url: url?, owner_url, pool_size, ca_file })
    }
}

/// Refuses what is no PostgreSQL URL without repeating it: it holds a password.
fn connection_url(text: &str) -> Result<SecretString, &'static str> {
    let known = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match text.parse::<tokio_postgres::Config>() {
        Ok(_) if known => Ok(text.to_owned().into()),
        _ => Err("a URL such as postgres://user:password@host:5432/database is wanted"),
    }
}

fn readable_file(path: &str) -> Result<PathBuf, String> {
    std::fs::File::open(path).map(|_| path.into()).map_err(|why| format!("{path} cannot be read: {why}"))
}

/// A level (`info`), or levels of targets (`info,auth=debug`). A word that is neither
/// would be taken for a target, and silence everything else.
fn log_level(text: &str) -> Result<String, &'static str> {
    let known = |part: &str| {
        part.contains('=') || ["error", "warn", "info", "debug", "trace", "off"].contains(&part.trim())
    };
    if text.split(',').all(known) {
        return Ok(text.to_owned());
    }
    Err("one of error, warn, info, debug, trace is wanted, or directives such as info,auth=debug")
}

fn collector(text: &str) -> Result<String, &'static str> {
    match text.parse::<url::Url>() {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Ok(text.to_owned()),
        _ => Err("a URL such as http://collector:4318 is wanted"),
    }
}

/// Reads `log.*` and `otlp.*`.
pub fn logs(read: &mut Reader, service: Service) -> Options {
    Options {
        service: service.name(),
        format: read.or("log.format", LogFormat::default()),
        level: read
            .optional_parsed("log.level", log_level)
            .unwrap_or_else(|| "info,actix_server=warn,actix_http=off".to_owned()),
        collector: read.optional_parsed("otlp.endpoint", collector),
        sampled: read.within("otlp.sampled", 0.01_f64, 0.0..=1.0),
    }
}
