//! What an endpoint may say.

use contract_webhook::{Endpoint, EndpointPatch, NewEndpoint, Speaks};
use egress::Policy;
use problem::FieldError;

use super::{EndpointError, headers, kind};
use crate::event_type::{is_event_type, rules::compile};

/// How many endpoints an organisation has at most.
pub(super) const MOST: i64 = 100;

/// How many types of events an endpoint names at most.
const MOST_TYPES: usize = 100;

/// The longest description, characters.
const LONGEST_DESCRIPTION: usize = 500;

/// Deliveries a second.
const RATES: std::ops::RangeInclusive<i32> = 1..=10_000;

/// Refuses an endpoint that cannot be, with all that is wrong with it; the URL as it is read.
pub(super) fn accept(new: NewEndpoint, policy: &Policy) -> Result<NewEndpoint, EndpointError> {
    let mut faults = Vec::new();
    let mut fault = |pointer: String, code: &str, detail: String| {
        faults.push(FieldError::new(pointer, code, detail));
    };
    let url = match (new.kind, new.url.as_deref().map(|url| policy.accept(url))) {
        (Speaks::Poll, None) => None,
        (Speaks::Poll, Some(_)) => {
            fault("/url".to_owned(), "unwanted", "an endpoint that is polled has none".to_owned());
            None
        }
        (_, Some(Ok(url))) => Some(url.into()),
        (_, Some(Err(why))) => {
            fault("/url".to_owned(), "url_refused", why.to_string());
            None
        }
        (_, None) => {
            fault("/url".to_owned(), "missing", "where events are to be posted is wanted".to_owned());
            None
        }
    };
    if new.event_types.len() > MOST_TYPES {
        fault("/event_types".to_owned(), "too_long", format!("at most {MOST_TYPES} are wanted"));
    }
    for (place, name) in new.event_types.iter().enumerate().filter(|(_, name)| !is_event_type(name)) {
        let detail = format!("{name:.40?} is no name of a type such as `order.paid`");
        fault(format!("/event_types/{place}"), "invalid", detail);
    }
    if new.description.chars().count() > LONGEST_DESCRIPTION {
        let detail = format!("at most {LONGEST_DESCRIPTION} characters are wanted");
        fault("/description".to_owned(), "too_long", detail);
    }
    if !RATES.contains(&new.rate_limit) {
        let detail = format!("{} to {} a second are wanted", RATES.start(), RATES.end());
        fault("/rate_limit".to_owned(), "out_of_range", detail);
    }
    faults
        .extend(new.filter.as_ref().and_then(|filter| compile("/filter", filter).err()).unwrap_or_default());
    faults.extend(headers::faults(&new.headers));
    faults.extend(kind::faults(new.kind, new.posthog.as_ref()));
    if faults.is_empty() { Ok(NewEndpoint { url, ..new }) } else { Err(EndpointError::Invalid(faults)) }
}

/// What an endpoint is to be, after a patch. Headers that the patch does not name stay as they are.
pub(super) fn patched(held: Endpoint, patch: EndpointPatch) -> NewEndpoint {
    NewEndpoint {
        url: patch.url.or(held.url),
        event_types: patch.event_types.unwrap_or(held.event_types),
        description: patch.description.unwrap_or(held.description),
        rate_limit: patch.rate_limit.unwrap_or(held.rate_limit),
        ordered: patch.ordered.unwrap_or(held.ordered),
        kind: held.kind,
        posthog: held.posthog,
        filter: patch.filter.or(held.filter).filter(|filter| !filter.is_null()),
        headers: patch.headers.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use problem::Describe;

    fn faults(new: NewEndpoint) -> Vec<(String, String)> {
        let refused = accept(new, &Policy::default()).unwrap_err();
        refused.fields().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn an_endpoint_in_order_is_kept_as_its_url_is_read() {
        let new = NewEndpoint {
            event_types: vec!["order.paid".to_owned(), "a-b_c.D1".to_owned(), "ping".to_owned()],
            ..NewEndpoint::at("HTTPS://Example.com")
        };
        let accepted = accept(new.clone(), &Policy::default()).unwrap();
        assert_eq!(accepted, NewEndpoint { url: Some("https://example.com/".to_owned()), ..new });
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let new = NewEndpoint {
            event_types: ["ok", "", ".", "a..b", "a b", "ä", &"x".repeat(129)].map(str::to_owned).into(),
            description: "x".repeat(501),
            rate_limit: 0,
            filter: Some(serde_json::json!({"typ": "object"})),
            headers: [("Host".to_owned(), "a".to_owned())].into(),
            ..NewEndpoint::at("https://127.0.0.1/")
        };
        let pointers: Vec<String> = faults(new).into_iter().map(|(pointer, _)| pointer).collect();
        let types = (1..7).map(|place| format!("/event_types/{place}"));
        let wanted = ["/url".to_owned()].into_iter().chain(types);
        let last = ["/description", "/rate_limit", "/filter/typ", "/headers/Host"];
        let wanted = wanted.chain(last.map(str::to_owned));
        assert_eq!(pointers, wanted.collect::<Vec<_>>());
        let many =
            NewEndpoint { event_types: vec!["a".to_owned(); 101], ..NewEndpoint::at("https://a.example") };
        assert_eq!(faults(many), [("/event_types".to_owned(), "too_long".to_owned())]);
    }

    #[test]
    fn what_is_polled_has_no_url_and_all_others_have_one() {
        assert!(accept(NewEndpoint::polled(), &Policy::default()).is_ok());
        let posted = NewEndpoint { kind: Speaks::Poll, ..NewEndpoint::at("https://a.example") };
        assert_eq!(faults(posted), [("/url".to_owned(), "unwanted".to_owned())]);
        let nowhere = NewEndpoint { kind: Speaks::Webhook, ..NewEndpoint::polled() };
        assert_eq!(faults(nowhere), [("/url".to_owned(), "missing".to_owned())]);
    }
}
