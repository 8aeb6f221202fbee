//! What can be set, by `PREFS__…` variables or `[prefs]` in a TOML file.

use std::{path::Path, time::Duration};

use events::Publishing;
use observability::Options;
use sealing::Keyring;
use service_discovery::{Registry, Service};
use service_kit::settings::{Database, Faults, Http, Reader, Role, logs};

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
    pub keyring: Keyring,
    /// Who is told prefs' events, and by what prefs proves to auth that it is prefs.
    pub publishing: Publishing,
    /// Whether the tokens that clients hold are accepted, which is for running
    /// without a gateway in front: `identity.takes_clients_tokens`; no by default.
    pub takes_clients_tokens: bool,
    /// Without word of revocations for that long, sensitive permissions are refused:
    /// `identity.revocations_stale_seconds`; a minute by default.
    pub revocations_stale: Duration,
    /// How long, and how many, versions of a layer are kept: `history.*`.
    pub retention: Retention,
}

/// How much of the history is kept; the newest version of a layer always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `history.keep_days`; 365 by default.
    pub age: Duration,
    /// `history.keep_versions`, of each layer; 200 by default.
    pub versions: i64,
}

impl Retention {
    fn read(read: &mut Reader) -> Self {
        let days = read.within("history.keep_days", 365_u64, 1..=36_500);
        let versions = read.within("history.keep_versions", 200_i64, 1..=100_000);
        Self { age: Duration::from_secs(days * 24 * 60 * 60), versions }
    }
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
        let role = Role::read(&mut read);
        let http = Http::read(&mut read, Service::Prefs);
        let database = Database::read(&mut read);
        let logs = logs(&mut read, Service::Prefs);
        let registry = read.registry();
        let takes_clients_tokens = read.or("identity.takes_clients_tokens", false);
        let revocations_stale = read.within("identity.revocations_stale_seconds", 60_u64, 1..=86_400);
        let retention = Retention::read(&mut read);
        let keyring = read.parsed("sealing.keys", Keyring::parse);
        let publishing = Publishing::read(&mut read, Service::Prefs);
        let settings = database.zip(registry).zip(keyring).map(|((database, registry), keyring)| Self {
            role,
            http,
            database,
            logs,
            registry,
            keyring,
            publishing,
            takes_clients_tokens,
            revocations_stale: Duration::from_secs(revocations_stale),
            retention,
        });
        read.finish(settings)
    }
}
