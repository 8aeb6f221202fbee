//! The only reader of the environment.

use std::{str::FromStr, sync::Arc, time::Duration};

use observability::Options;
use sealing::Keyring;
use secrecy::SecretString;
use service_discovery::{Registry, Service};
use service_kit::settings::{Database, Environment, Faults, Http, Reader, Role, environment, logs};

use crate::{deletion::Grace, mail::Links, organization::Limits, session::Lifetimes, token::Clients};

/// All that auth is told from outside.
#[derive(Debug)]
pub struct Settings {
    /// `role`: what this process does; everything by default.
    pub(crate) role: Role,
    /// The listeners.
    pub(crate) http: Http,
    /// Logs and traces.
    pub logs: Options,
    /// The database.
    pub database: Database,
    /// Where every service is; also who issues the tokens.
    pub(crate) registry: Registry,
    /// `sealing.keys`: what seals signing keys and proves refresh tokens.
    pub keyring: Arc<Keyring>,
    /// `events.subscribers`: who is told auth's events.
    pub(crate) subscribers: Vec<Service>,
    /// `clients.<service>`: what each service proves itself by.
    pub(crate) clients: Clients,
    /// `tokens.access_seconds`, `sessions.idle_days`, `sessions.max_days`.
    pub(crate) lifetimes: Lifetimes,
    /// `login.*`.
    pub(crate) login: LoginPolicy,
    /// `login.failures_per_address`: how many wrong passwords and codes may come from one
    /// client in ten minutes; 0 for any number.
    pub(crate) failures_per_address: u32,
    /// `accounts.deletion_grace_days`: how long an account can be restored whose user wants
    /// it gone; 0: it goes at once.
    pub(crate) deletion_grace: Grace,
    /// `second_factors.issuer`: what authenticator apps call this installation.
    pub(crate) second_factor_issuer: SecondFactorIssuer,
    /// `passwords.*`.
    pub(crate) passwords: Passwords,
    /// `links.base`: the front end's URL, where the links of mails lead; by default the
    /// gateway's origin.
    pub(crate) links: Links,
    /// `organizations.*`.
    pub(crate) organizations: Limits,
    /// `exports.*`.
    pub(crate) exports: Exports,
    /// How new API keys call this installation.
    pub(crate) key_environment: KeyEnvironment,
    /// `identity.takes_clients_tokens`: serve without a gateway in front.
    pub(crate) takes_clients_tokens: bool,
    /// `identity.revocations_stale_seconds`: without word of revocations for that long,
    /// sensitive permissions are refused.
    pub(crate) revocations_stale: Duration,
}

/// Who may log in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoginPolicy {
    /// `login.requires_verified_email`.
    pub(crate) requires_verified_email: bool,
    /// `login.magic_link`: whether one may log in by a mailed link.
    pub(crate) magic_link: bool,
}

/// What authenticator apps show beside a code.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactorIssuer(pub(crate) String);

/// How passwords are hashed.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    /// `passwords.threads`: how many at once; by default one a core.
    pub(crate) threads: usize,
    /// `passwords.waiting`: how many may wait before more are shed.
    pub(crate) waiting: usize,
    /// `passwords.range_check_url`: whom to ask whether a new password was in a breach;
    /// nobody by default.
    pub(crate) range_check: Option<url::Url>,
}

/// How all that is held about a person is gathered.
#[derive(Clone, Debug)]
pub(crate) struct Exports {
    /// `exports.services`: who is asked beside auth; by default all others of this release.
    pub(crate) services: Vec<Service>,
    /// `exports.timeout_seconds`: how long one may take to tell.
    pub(crate) timeout: Duration,
}

/// The second part of an API key: tells keys of a developer's machine from real ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyEnvironment(Environment);

impl KeyEnvironment {
    /// `dev` or `live`.
    pub(crate) const fn name(self) -> &'static str {
        match self.0 {
            Environment::Development => "dev",
            Environment::Production => "live",
        }
    }
}

/// The gateway's origin as clients see it: the issuer of tokens.
#[derive(Clone, Debug)]
pub(crate) struct PublicOrigin(pub(crate) String);

impl PublicOrigin {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(mut read: Reader) -> Result<Self, Faults> {
        let role = Role::read(&mut read);
        let http = Http::read(&mut read, Service::Auth);
        let logs = logs(&mut read, Service::Auth);
        let database = Database::read(&mut read);
        let registry = read.registry();
        let keyring = read.parsed("sealing.keys", Keyring::parse);
        let subscribers = events::subscribers(&mut read, Service::Auth);
        let clients = clients(&mut read);
        let lifetimes = lifetimes(&mut read);
        let login = LoginPolicy {
            requires_verified_email: read.or("login.requires_verified_email", false),
            magic_link: read.or("login.magic_link", true),
        };
        let failures_per_address = read.within("login.failures_per_address", 60_u32, 0..=1_000_000);
        let deletion_grace = Grace::days(read.within("accounts.deletion_grace_days", 14_u64, 0..=90));
        let issuer = SecondFactorIssuer(read.or("second_factors.issuer", "Plinth".to_owned()));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let passwords = Passwords {
            threads: read.within("passwords.threads", cores, 1..=256),
            waiting: read.within("passwords.waiting", 64 * cores, 1..=100_000),
            range_check: read.optional("passwords.range_check_url"),
        };
        let links = read.optional::<url::Url>("links.base");
        let organizations = Limits {
            owned: read.within("organizations.owned", 50_i64, 1..=10_000),
            members: read.within("organizations.members", 500_i64, 1..=100_000),
            pending: read.within("organizations.pending_invitations", 100_i64, 1..=10_000),
        };
        let exports = exports(&mut read);
        let key_environment = KeyEnvironment(environment(&mut read));
        let takes_clients_tokens = read.or("identity.takes_clients_tokens", false);
        let stale = read.within("identity.revocations_stale_seconds", 60_u64, 1..=86_400);
        let settings = database.zip(registry).zip(keyring).map(|((database, registry), keyring)| Self {
            role,
            links: Links::new(links.as_ref().map_or(&registry.public_origin(), |url| url.as_str())),
            http,
            logs,
            database,
            registry,
            keyring: Arc::new(keyring),
            subscribers,
            clients,
            lifetimes,
            login,
            failures_per_address,
            deletion_grace,
            second_factor_issuer: issuer,
            passwords,
            organizations,
            exports,
            key_environment,
            takes_clients_tokens,
            revocations_stale: Duration::from_secs(stale),
        });
        read.finish(settings)
    }
}

/// The gateway must be able to ask; the others may.
fn clients(read: &mut Reader) -> Clients {
    let mut secrets: Vec<(Service, SecretString)> = Vec::new();
    for service in Service::ALL {
        let key = format!("clients.{service}");
        let secret = match service {
            Service::Gateway => read.secret(&key, SECRET_LENGTH),
            _ => read.optional_secret(&key, SECRET_LENGTH),
        };
        secrets.extend(secret.map(|secret| (service, secret)));
    }
    Clients::new(secrets)
}

fn exports(read: &mut Reader) -> Exports {
    let others = Service::SHIPPED.into_iter().filter(|service| *service != Service::Auth).collect();
    let Services(mut services) = read.or("exports.services", Services(others));
    if services.contains(&Service::Auth) || services.contains(&Service::Gateway) {
        let variable = read.variable("exports.services");
        read.fault(variable, "auth tells its part in any case, and the gateway holds nothing about people");
    }
    services.sort_unstable();
    services.dedup();
    let seconds = read.within("exports.timeout_seconds", 60_u64, 1..=600);
    Exports { services, timeout: Duration::from_secs(seconds) }
}

/// Services' names with commas between; none at all is a list, too.
struct Services(Vec<Service>);

impl FromStr for Services {
    type Err = <Service as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(Self(names.map(str::parse).collect::<Result<_, _>>()?))
    }
}

/// The least length of a client's secret, characters.
const SECRET_LENGTH: usize = 32;

fn lifetimes(read: &mut Reader) -> Lifetimes {
    let day = 24 * 60 * 60;
    let access = read.within("tokens.access_seconds", 300_u64, 10..=900);
    Lifetimes {
        access: Duration::from_secs(access),
        idle: Duration::from_secs(day * read.within("sessions.idle_days", 30_u64, 1..=3650)),
        absolute: Duration::from_secs(day * read.within("sessions.max_days", 180_u64, 1..=3650)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(services: &str) -> Option<Vec<Service>> {
        let variables = [("AUTH__EXPORTS__SERVICES".to_owned(), services.to_owned())];
        let mut read = Reader::new(Service::Auth, None, variables);
        let exports = exports(&mut read);
        read.finish(Some(exports)).ok().map(|exports| exports.services)
    }

    #[test]
    fn all_others_are_asked_for_an_export_unless_they_are_listed() {
        let all = exports(&mut Reader::new(Service::Auth, None, []));
        assert_eq!(all.services, [Service::Prefs, Service::Webhook]);
        assert_eq!(asked(" webhook, prefs,prefs"), Some(vec![Service::Prefs, Service::Webhook]));
        assert_eq!(asked(""), Some(Vec::new()));
        for wrong in ["moon", "auth", "prefs,gateway"] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }
}
