//! What the stand-ins are told when they start.

use observability::Options;
use secrecy::SecretString;
use service_discovery::{Registry, Service};
use service_kit::settings::{Environment, Faults, Http, Reader, environment, logs};

/// The least length of the client's secret, characters.
const SECRET_LENGTH: usize = 32;

/// The settings of the stand-ins: those of the services whose places they take
/// (`NOTIFY__…`).
#[derive(Debug)]
pub struct Settings {
    /// The listeners of the mailbox: `http.*`.
    pub http: Http,
    /// Logs and traces: `log.*`, `otlp.*`.
    pub logs: Options,
    /// Where every service is.
    pub registry: Registry,
    /// Proves to auth that it is the mail service: `client.secret`.
    pub client_secret: SecretString,
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load() -> Result<Self, Faults> {
        Self::read(Reader::open(Service::Notify, None))
    }

    /// Takes the settings from `read`.
    ///
    /// # Errors
    /// Every fault at once; production is one.
    pub fn read(mut read: Reader) -> Result<Self, Faults> {
        if environment(&mut read) == Environment::Production {
            let detail = "stand-ins show every mail to whoever asks: they want `development`";
            read.fault("PLINTH_ENV", detail);
        }
        let http = Http::read(&mut read, Service::Notify);
        let logs = logs(&mut read, Service::Notify);
        let registry = read.registry();
        let client_secret = read.secret("client.secret", SECRET_LENGTH);
        let settings = registry.zip(client_secret).map(|(registry, client_secret)| Self {
            http,
            logs,
            registry,
            client_secret,
        });
        read.finish(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(environment: Option<&str>) -> Result<Settings, Faults> {
        let secret = ("NOTIFY__CLIENT__SECRET".to_owned(), "0123456789abcdef0123456789abcdef".to_owned());
        let environment = environment.map(|name| ("PLINTH_ENV".to_owned(), name.to_owned()));
        Settings::read(Reader::new(Service::Notify, None, [secret].into_iter().chain(environment)))
    }

    #[test]
    fn production_refuses_stand_ins_and_is_the_default() {
        for environment in [None, Some("production")] {
            let told = read(environment).unwrap_err().to_string();
            assert!(told.contains("PLINTH_ENV"), "{told}");
        }
        read(Some("development")).unwrap();
    }
}
