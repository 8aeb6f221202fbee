//! What can be set, by `WEBHOOK__…` variables or `[webhook]` in a TOML file.

use std::{path::Path, sync::Arc, time::Duration};

use egress::Policy;
use events::Publishing;
use ipnet::IpNet;
use observability::Options;
use sealing::Keyring;
use service_discovery::{Registry, Service};
use service_kit::settings::{Database, Environment, Faults, Http, Reader, Role, environment, logs};
use url::Url;

/// The settings of one process.
#[derive(Debug)]
pub struct Settings {
    /// What this process does: `role`; everything by default.
    pub role: Role,
    /// The two listeners: `http.*`.
    pub http: Http,
    /// The database: `database.*`.
    pub database: Database,
    /// Logs and traces: `log.*`, `otlp.*`.
    pub logs: Options,
    /// Where the other services are.
    pub registry: Registry,
    /// What seals secrets at rest: `sealing.keys`.
    pub keyring: Arc<Keyring>,
    /// How customers' URLs are called: `egress.*`.
    pub egress: EgressSettings,
    /// How messages are delivered: `delivery.*`.
    pub delivering: Delivering,
    /// How long messages are kept: `retention.days`; 30 by default, and never less than they are sent again.
    pub retention: Duration,
    /// Who is told webhook's events, and by what webhook proves to auth that it is webhook.
    pub publishing: Publishing,
    /// Whether the tokens that clients hold are accepted, which is for running
    /// without a gateway in front: `identity.takes_clients_tokens`; no by default.
    pub takes_clients_tokens: bool,
    /// Without word of revocations for that long, sensitive permissions are refused:
    /// `identity.revocations_stale_seconds`; a minute by default.
    pub revocations_stale: Duration,
}

/// How customers' URLs are called.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Public hosts by `https`; in development loopback too, by `http` too, but never our own ports.
    /// `egress.clear_text` and `egress.allowed` (networks, separated by commas) say otherwise.
    pub policy: Policy,
    /// A proxy that all calls go by: `egress.proxy`.
    pub proxy: Option<Url>,
}

/// How messages are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivering {
    /// The waits after the first failure, the second and so on; after the last of them one more
    /// attempt: `delivery.waits`, seconds separated by commas. By default those of Standard
    /// Webhooks: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h.
    pub waits: Vec<Duration>,
    /// How many are under way at once in this process: `delivery.concurrency`; 512 by default.
    pub concurrency: usize,
}

/// As Standard Webhooks has them.
const WAITS: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

impl Delivering {
    fn read(read: &mut Reader) -> Self {
        let usual = || WAITS.map(Duration::from_secs).into();
        let waits = read.optional_parsed("delivery.waits", waits).unwrap_or_else(usual);
        Self { waits, concurrency: read.within("delivery.concurrency", 512_usize, 1..=10_000) }
    }
}

fn waits(text: &str) -> Result<Vec<Duration>, &'static str> {
    let wait = |text: &str| {
        let seconds = text.trim().parse().ok().filter(|seconds| *seconds <= 604_800);
        seconds.map(Duration::from_secs).ok_or("seconds such as `5,300,1800` are wanted, seven days at most")
    };
    text.split(',').map(wait).collect()
}

/// What one's own machine answers at.
const LOOPBACK: &str = "127.0.0.0/8,::1/128";

impl EgressSettings {
    fn read(read: &mut Reader) -> Self {
        let is_development = environment(read) == Environment::Development;
        let clear_text = read.or("egress.clear_text", is_development);
        let usual = if is_development { networks(LOOPBACK).unwrap_or_default() } else { Vec::new() };
        let allowed = read.optional_parsed("egress.allowed", networks).unwrap_or(usual);
        let ports = |service: &Service| [service.port(), service.internal_port()];
        let own_ports = Service::ALL.iter().flat_map(ports).collect();
        Self { policy: Policy { clear_text, allowed, own_ports }, proxy: read.optional("egress.proxy") }
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, &'static str> {
    let named = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    named.map(|network| network.parse().map_err(|_why| "networks such as 10.0.0.0/8 are wanted")).collect()
}

impl Settings {
    /// Reads the process's environment and, if there is one, the `file`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(file: Option<&Path>) -> Result<Self, Faults> {
        Self::read(Reader::open(Service::Webhook, file))
    }

    /// Takes the settings from `read`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(mut read: Reader) -> Result<Self, Faults> {
        let role = Role::read(&mut read);
        let http = Http::read(&mut read, Service::Webhook);
        let database = Database::read(&mut read);
        let logs = logs(&mut read, Service::Webhook);
        let registry = read.registry();
        let egress = EgressSettings::read(&mut read);
        let delivering = Delivering::read(&mut read);
        let retention = read.within("retention.days", 30_u64, 14..=3650);
        let publishing = Publishing::read(&mut read, Service::Webhook);
        let takes_clients_tokens = read.or("identity.takes_clients_tokens", false);
        let revocations_stale = read.within("identity.revocations_stale_seconds", 60_u64, 1..=86_400);
        let keyring = read.parsed("sealing.keys", Keyring::parse);
        let settings = database.zip(registry).zip(keyring).map(|((database, registry), keyring)| Self {
            role,
            http,
            database,
            logs,
            registry,
            keyring: Arc::new(keyring),
            egress,
            delivering,
            retention: Duration::from_secs(retention * 24 * 60 * 60),
            publishing,
            takes_clients_tokens,
            revocations_stale: Duration::from_secs(revocations_stale),
        });
        read.finish(settings)
    }
}
