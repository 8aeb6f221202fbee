//! What can be set, by `PREFS__…` variables or `[prefs]` in a TOML file.

use std::{path::Path, time::Duration};

use observability::Options;
use service_discovery::{Registry, Service};
use service_kit::settings::{Database, Faults, Http, Reader, logs};

/// The settings of one process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The two listeners: `http.*`.
    pub http: Http,
    /// The database: `database.*`.
    pub database: Database,
    /// Logs and traces: `log.*`, `otlp.*`.
    pub logs: Options,
    /// Where gateway and auth publish their keys.
    pub registry: Registry,
    /// Whether the tokens that clients hold are accepted, which is for running
    /// without a gateway in front: `identity.takes_clients_tokens`; no by default.
    pub takes_clients_tokens: bool,
    /// Without word of revocations for that long, sensitive permissions are refused:
    /// `identity.revocations_stale_seconds`; a minute by default.
    pub revocations_stale: Duration,
}

impl Settings {
    /// Reads the process's environment and, if there is one, the `file`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(file: Option<&Path>) -> Result<Self, Faults> {
        Self::read(Reader::open(Service::Prefs, file))
    }

    /// Takes the settings from `read`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(mut read: Reader) -> Result<Self, Faults> {
        let http = Http::read(&mut read, Service::Prefs);
        let database = Database::read(&mut read);
        let logs = logs(&mut read, Service::Prefs);
        let registry = read.registry();
        let takes_clients_tokens = read.or("identity.takes_clients_tokens", false);
        let revocations_stale = read.within("identity.revocations_stale_seconds", 60_u64, 1..=86_400);
        let settings = database.zip(registry).map(|(database, registry)| Self {
            http,
            database,
            logs,
            registry,
            takes_clients_tokens,
            revocations_stale: Duration::from_secs(revocations_stale),
        });
        read.finish(settings)
    }
}
