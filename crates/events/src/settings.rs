use std::str::FromStr;

use service_discovery::Service;
use service_kit::settings::Reader;

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
        assert_eq!(subscribers(&mut read, Service::Prefs), [Service::Auth]);
        assert_eq!(given(" webhook, auth,auth "), Some(vec![Service::Auth, Service::Webhook]));
        assert_eq!(given(""), Some(Vec::new()));
        for wrong in ["moon", "prefs", "auth,gateway"] {
            assert_eq!(given(wrong), None, "{wrong}");
        }
    }
}
