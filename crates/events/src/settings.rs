use std::str::FromStr;

use contract_auth::Client;
use observability::Metrics;
use secrecy::SecretString;
use service_discovery::{Peer, Registry, Service};
use service_kit::{db::Db, settings::Reader};

use crate::{Relay, RelayError, Tokens};

/// Who is told a service's events, and by what it proves to auth who it is: `events.subscribers`,
/// `client.secret`.
#[derive(Clone, Debug)]
pub struct Publishing {
    own: Service,
    /// All other services of the release by default.
    pub subscribers: Vec<Service>,
    /// Needed as soon as there is one.
    pub secret: Option<SecretString>,
}

/// The least length of the client's secret, characters.
const SECRET_LENGTH: usize = 32;

impl Publishing {
    /// Reads it.
    pub fn read(read: &mut Reader, own: Service) -> Self {
        let subscribers = subscribers(read, own);
        let secret = match subscribers.is_empty() {
            true => read.optional_secret("client.secret", SECRET_LENGTH),
            false => read.secret("client.secret", SECRET_LENGTH),
        };
        Self { own, subscribers, secret }
    }

    /// What tells them, with tokens of auth; none, if nobody is to be told.
    ///
    /// # Errors
    /// [`RelayError`] names what is missing.
    pub fn relay(
        &self,
        db: &Db,
        registry: &Registry,
        metrics: &Metrics,
    ) -> Result<Option<Relay>, RelayError> {
        let Some(secret) = self.secret.clone() else { return Ok(None) };
        let auth = Peer::new(registry.internal(Service::Auth), &registry.peer_options())?;
        let tokens = Tokens::from_auth(Client::new(auth), self.own, secret);
        Relay::new(db, &self.subscribers, registry, &tokens, metrics).map(Some)
    }
}

/// Services' names with commas between; none at all is a list, too.
struct List(Vec<Service>);

impl FromStr for List {
    type Err = <Service as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(Self(names.map(str::parse).collect::<Result<_, _>>()?))
    }
}

/// Reads `events.subscribers`: who is told the events of `own`. By default all services
/// of this release but itself.
pub fn subscribers(read: &mut Reader, own: Service) -> Vec<Service> {
    let others = Service::SHIPPED.into_iter().filter(|service| *service != own).collect();
    let List(mut subscribers) = read.or("events.subscribers", List(others));
    if subscribers.contains(&own) || subscribers.contains(&Service::Gateway) {
        let variable = read.variable("events.subscribers");
        read.fault(variable, "neither the service itself nor the gateway takes its events");
    }
    subscribers.sort_unstable();
    subscribers.dedup();
    subscribers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Option<Vec<Service>> {
        let variables = [("PREFS__EVENTS__SUBSCRIBERS".to_owned(), text.to_owned())];
        let mut read = Reader::new(Service::Prefs, None, variables);
        let subscribers = subscribers(&mut read, Service::Prefs);
        read.finish(Some(subscribers)).ok()
    }

    #[test]
    fn all_others_are_told_unless_they_are_listed() {
        let mut read = Reader::new(Service::Prefs, None, []);
        assert_eq!(subscribers(&mut read, Service::Prefs), [Service::Auth, Service::Webhook]);
        assert_eq!(given(" webhook, auth,auth "), Some(vec![Service::Auth, Service::Webhook]));
        assert_eq!(given(""), Some(Vec::new()));
        for wrong in ["moon", "prefs", "auth,gateway"] {
            assert_eq!(given(wrong), None, "{wrong}");
        }
    }
}
