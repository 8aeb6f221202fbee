//! What the gateway is told when it starts.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use data_encoding::BASE64;
use identity::SigningKey;
use ipnet::IpNet;
use observability::Options;
use secrecy::SecretString;
use service_discovery::{Registry, Service};
use service_kit::settings::{Faults, Http, Reader, TlsFiles, logs};

use crate::{access_log::AccessLogTarget, limit::Rates};

/// The settings of the gateway.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The listeners: `http.*`.
    pub http: Http,
    /// Logs and traces: `log.*`, `otlp.*`.
    pub logs: Options,
    /// Where every service is.
    pub registry: Registry,
    /// The services behind the gateway: `services`.
    pub services: Vec<Service>,
    /// The keys that sign inward tokens, the first of them; all are published: `token.keys`.
    pub keys: Arc<[SigningKey]>,
    /// Proves the gateway to auth: `client.secret`.
    pub client_secret: SecretString,
    /// The cache that replicas share: `redis.url`.
    pub redis_url: SecretString,
    /// How long Redis may take before the gateway goes on without: `redis.patience_ms`.
    pub redis_patience: Duration,
    /// Whose `X-Forwarded-For` is believed: `trusted_proxies`.
    pub trusted_proxies: Vec<IpNet>,
    /// Where each request is written down: `access_log`.
    pub access_log: AccessLogTarget,
    /// The most connections of one client that is no trusted proxy: `connections_per_address`.
    pub connections_per_address: usize,
    /// How much and how long.
    pub limits: Limits,
    /// How instances are asked whether they are ready.
    pub health: Health,
    /// How often: `limits.*`.
    pub rates: Rates,
    /// How connections to services are encrypted.
    pub services_tls: ServicesTls,
}

/// How connections to services are encrypted, where their URLs say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicesTls {
    /// Authorities to trust beside the system's: `PLINTH_CA_FILE`.
    pub authority: Option<PathBuf>,
    /// What is shown to services that ask who calls: `services_tls.*`.
    pub own: Option<TlsFiles>,
}

/// How much and how long a proxied request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest request body, bytes: `max_body_bytes`.
    pub max_body: u64,
    /// For a connection to a service: `timeouts.connect_ms`.
    pub connect: Duration,
    /// From the end of the request to the head of the response, for each try:
    /// `timeouts.first_byte_ms`.
    pub first_byte: Duration,
    /// The same for all tries together: `timeouts.total_ms`.
    pub total: Duration,
    /// After which a GET is sent to a second instance as well: `hedge_ms`.
    pub hedge: Option<Duration>,
    /// Without a byte of the request's body: `timeouts.upload_idle_ms`.
    pub upload_idle: Duration,
    /// Without a byte of the response's body: `timeouts.body_idle_ms`.
    pub body_idle: Duration,
    /// The fewest bytes a second at which a client may give or take a body, after a while:
    /// `least_bytes_a_second`.
    pub least_rate: u64,
}

/// How instances are asked whether they are ready.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// How often; zero for never: `health.interval_ms`.
    pub every: Duration,
    /// How long an answer may take: `health.timeout_ms`.
    pub patience: Duration,
}

impl Settings {
    /// Reads them from the environment and, if there is one, the TOML `file`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(file: Option<&Path>) -> Result<Self, Faults> {
        Self::read(Reader::open(Service::Gateway, file))
    }

    /// Reads them from a reader.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(mut read: Reader) -> Result<Self, Faults> {
        let http = Http::read(&mut read, Service::Gateway);
        let logs = logs(&mut read, Service::Gateway);
        let registry = read.registry();
        let List(services) = read.or("services", List(Service::SHIPPED.to_vec()));
        let keys = read.parsed("token.keys", signing_keys);
        let client_secret = read.secret("client.secret", 32);
        let redis_url = read.parsed("redis.url", redis_url);
        let redis_patience = Duration::from_millis(read.within("redis.patience_ms", 50, 1..=60_000));
        let List(trusted_proxies) = read.or("trusted_proxies", List(Vec::new()));
        let access_log = read.or("access_log", AccessLogTarget::default());
        let connections_per_address = read.within("connections_per_address", 1_000, 1..=1_000_000);
        let limits = Limits::read(&mut read);
        let health = Health::read(&mut read);
        let rates = Rates::read(&mut read);
        if services.contains(&Service::Gateway) {
            read.fault(read.variable("services"), "the gateway is not behind itself");
        }
        if http.http2 {
            // Strangers' connections would wait for their first bytes for ever.
            read.fault(read.variable("http.http2"), "clients speak HTTP/2 by TLS alone");
        }
        let own = TlsFiles::read(&mut read, "services_tls");
        let given = registry.zip(keys).zip(client_secret.zip(redis_url));
        let settings = given.map(|((registry, keys), (client_secret, redis_url))| Self {
            http,
            logs,
            services,
            keys,
            client_secret,
            redis_url,
            redis_patience,
            trusted_proxies,
            access_log,
            connections_per_address,
            limits,
            health,
            rates,
            services_tls: ServicesTls { authority: registry.authority_file().map(Into::into), own },
            registry,
        });
        read.finish(settings)
    }
}

impl Limits {
    fn read(read: &mut Reader) -> Self {
        let first_byte: u64 = read.or("timeouts.first_byte_ms", 30_000);
        let total = read.or("timeouts.total_ms", first_byte.saturating_mul(2));
        if total < first_byte {
            read.fault(read.variable("timeouts.total_ms"), "no less than for a single try is wanted");
        }
        let hedge = read.within("hedge_ms", 0, 0..=60_000);
        Self {
            max_body: read.or("max_body_bytes", 10 * 1024 * 1024),
            connect: Duration::from_millis(read.or("timeouts.connect_ms", 1_000)),
            first_byte: Duration::from_millis(first_byte),
            total: Duration::from_millis(total),
            hedge: (hedge > 0).then(|| Duration::from_millis(hedge)),
            upload_idle: Duration::from_millis(read.or("timeouts.upload_idle_ms", 30_000)),
            body_idle: Duration::from_millis(read.or("timeouts.body_idle_ms", 60_000)),
            least_rate: read.or("least_bytes_a_second", 240),
        }
    }
}

impl Health {
    fn read(read: &mut Reader) -> Self {
        Self {
            every: Duration::from_millis(read.within("health.interval_ms", 2_000, 0..=600_000)),
            patience: Duration::from_millis(read.within("health.timeout_ms", 1_000, 1..=60_000)),
        }
    }
}

/// Values with commas between.
struct List<T>(Vec<T>);

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Ed25519 seeds in base64, the one that signs first. A fault never repeats them.
fn signing_keys(text: &str) -> Result<Arc<[SigningKey]>, &'static str> {
    const WANTED: &str = "32 bytes in base64 are wanted, several with commas between \
                          (`openssl rand -base64 32` makes them)";
    let key = |part: &str| {
        let seed = BASE64.decode(part.trim().as_bytes()).ok()?;
        SigningKey::from_seed(&seed.try_into().ok()?).ok()
    };
    text.split(',').map(key).collect::<Option<Arc<[SigningKey]>>>().ok_or(WANTED)
}

/// A URL that Redis' client understands. A fault never repeats it: it holds a password.
fn redis_url(text: &str) -> Result<SecretString, &'static str> {
    match deadpool_redis::Config::from_url(text).builder() {
        Ok(_) => Ok(text.to_owned().into()),
        Err(_) => Err("a URL such as redis://:password@host:6379 or redis+unix:///path is wanted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Faults> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::read(Reader::new(Service::Gateway, None, variables))
    }

    #[test]
    fn every_fault_is_told_and_no_secret() {
        let told = read(&[
            ("GATEWAY__TOKEN__KEYS", "hunter2"),
            ("GATEWAY__CLIENT__SECRET", "hunter2"),
            ("GATEWAY__REDIS__URL", "hunter2"),
            ("GATEWAY__SERVICES", "auth,moon"),
            ("GATEWAY__TRUSTED_PROXIES", "10.0.0.0"),
            ("GATEWAY__TIMEOUTS__TOTAL_MS", "29999"),
            ("GATEWAY__HEALTH__TIMEOUT_MS", "0"),
            ("GATEWAY__HTTP__HTTP2", "true"),
            ("GATEWAY__SERVICES_TLS__CERTIFICATE_FILE", "/nowhere.pem"),
            ("PREFS_SERVICE_URL", "ftp://prefs"),
        ])
        .unwrap_err()
        .to_string();
        for variable in [
            "TOKEN__KEYS",
            "CLIENT__SECRET",
            "REDIS__URL",
            "SERVICES",
            "TRUSTED_PROXIES",
            "TIMEOUTS__TOTAL_MS",
            "HEALTH__TIMEOUT_MS",
            "HTTP__HTTP2",
            "SERVICES_TLS__CERTIFICATE_FILE",
        ]
        .map(|name| format!("GATEWAY__{name}:"))
        {
            assert!(told.contains(&variable), "{variable}\n{told}");
        }
        assert!(told.contains("PREFS_SERVICE_URL") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn what_must_be_given_is_enough() {
        let settings = read(&[
            ("GATEWAY__TOKEN__KEYS", &format!("{SEED},{SEED}")),
            ("GATEWAY__CLIENT__SECRET", "0123456789abcdef0123456789abcdef"),
            ("GATEWAY__REDIS__URL", "redis://127.0.0.1:6379"),
            ("GATEWAY__TRUSTED_PROXIES", "10.0.0.0/8, ::1/128"),
        ])
        .unwrap();
        assert_eq!(settings.services, Service::SHIPPED);
        assert_eq!((settings.keys.len(), settings.trusted_proxies.len()), (2, 2));
        assert_eq!(settings.limits.max_body, 10 << 20);
        assert_eq!((settings.limits.total, settings.limits.hedge), (Duration::from_secs(60), None));
    }
}
