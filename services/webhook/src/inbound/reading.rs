//! What was posted says: which event it is, of which type, and what happened.

use contract_webhook::{HmacOptions, Scheme};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::scheme::Posted;

/// The longest id and type, bytes.
const LONGEST: usize = 256;

/// Why something that was verified is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is neither JSON nor a form: {0}")]
    Body(String),
    #[error("the id or type of the event is longer than {LONGEST} bytes, or no text")]
    Name,
}

/// An event of a provider's.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) event_id: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) value: Value,
    /// The same as it was written: no number in it becomes another.
    pub(super) payload: Box<RawValue>,
}

/// Reads what was verified.
pub(super) fn read(
    scheme: Scheme,
    hmac: Option<&HmacOptions>,
    posted: Posted<'_>,
) -> Result<Said, Unreadable> {
    let payload = payload(posted)?;
    let value: Value = serde_json::from_str(payload.get()).map_err(unreadable)?;
    let header = |name: &str| (posted.header)(name).map(str::to_owned);
    let at = |pointer: &str| value.pointer(pointer).and_then(text);
    let (event_id, event_type) = match scheme {
        Scheme::Stripe => (at("/id"), at("/type")),
        Scheme::Github => (header("x-github-delivery"), header("x-github-event")),
        Scheme::Slack => (at("/event_id"), at("/event/type").or_else(|| at("/type"))),
        Scheme::StandardWebhooks => (header("webhook-id"), at("/type")),
        Scheme::Hmac => {
            let named = |pointer: Option<&String>| pointer.and_then(|pointer| at(pointer));
            let options = hmac.map(|options| (options.event_id.as_ref(), options.event_type.as_ref()));
            let (id, kind) = options.unwrap_or_default();
            (named(id), named(kind))
        }
    };
    let is_bad =
        |text: &String| text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control);
    if event_id.iter().chain(&event_type).any(is_bad) {
        return Err(Unreadable::Name);
    }
    Ok(Said { event_id, event_type, value, payload })
}

/// JSON; or a form, of which GitHub and Slack send one with JSON in its only field.
fn payload(posted: Posted<'_>) -> Result<Box<RawValue>, Unreadable> {
    let kind = (posted.header)("content-type").unwrap_or_default().to_ascii_lowercase();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return serde_json::from_slice(posted.body).map_err(unreadable);
    }
    let fields = url::form_urlencoded::parse(posted.body);
    let fields: Map<String, Value> = fields.map(|(name, value)| (name.into_owned(), value.into())).collect();
    match fields.get("payload").and_then(Value::as_str).filter(|_| fields.len() == 1) {
        Some(json) => serde_json::from_str(json).map_err(unreadable),
        None => to_raw_value(&fields).map_err(unreadable),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn unreadable(why: serde_json::Error) -> Unreadable {
    Unreadable::Body(why.to_string())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(scheme: Scheme, headers: &[(&str, &str)], body: &str) -> Result<Said, Unreadable> {
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let hmac = HmacOptions { event_id: Some("/a/id".to_owned()), ..HmacOptions::default() };
        read(scheme, Some(&hmac), Posted { header: &header, body: body.as_bytes() })
    }

    fn named(scheme: Scheme, headers: &[(&str, &str)], body: &str) -> (Option<String>, Option<String>) {
        let said = said(scheme, headers, body).unwrap();
        (said.event_id, said.event_type)
    }

    #[test]
    fn each_provider_names_its_events_in_its_own_way() {
        let some = |id: &str, kind: &str| (Some(id.to_owned()), Some(kind.to_owned()));
        assert_eq!(named(Scheme::Stripe, &[], r#"{"id":"evt_1","type":"a.b"}"#), some("evt_1", "a.b"));
        let headers = [("x-github-delivery", "d1"), ("x-github-event", "push")];
        assert_eq!(named(Scheme::Github, &headers, "{}"), some("d1", "push"));
        let body = r#"{"event_id":"Ev1","type":"event_callback","event":{"type":"message"}}"#;
        assert_eq!(named(Scheme::Slack, &[], body), some("Ev1", "message"));
        assert_eq!(
            named(Scheme::StandardWebhooks, &[("webhook-id", "m1")], r#"{"type":"t"}"#),
            some("m1", "t")
        );
        assert_eq!(named(Scheme::Hmac, &[], r#"{"a":{"id":7}}"#), (Some("7".to_owned()), None));
        assert_eq!(named(Scheme::Hmac, &[], "[]"), (None, None));
    }

    #[test]
    fn a_form_is_read_as_its_fields_or_as_the_json_in_it() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(said(Scheme::Hmac, &form, "a=1&b=%20x").unwrap().value, json!({"a": "1", "b": " x"}));
        assert_eq!(said(Scheme::Github, &form, "payload=%7B%22a%22%3A1%7D").unwrap().value, json!({"a": 1}));
        assert!(matches!(said(Scheme::Github, &form, "payload=%7B"), Err(Unreadable::Body(_))));
        assert!(matches!(said(Scheme::Github, &[], "a=1"), Err(Unreadable::Body(_))));
    }

    #[test]
    fn no_number_becomes_another() {
        let body = r#"{"n": 123456789012345678901234567890.10}"#;
        assert_eq!(said(Scheme::Hmac, &[], body).unwrap().payload.get(), body);
    }

    #[test]
    fn a_name_that_cannot_be_kept_is_refused() {
        for id in ["\\u0000", "", &"x".repeat(257)] {
            let body = format!(r#"{{"id":"{id}"}}"#);
            assert!(matches!(said(Scheme::Stripe, &[], &body), Err(Unreadable::Name)), "{id}");
        }
    }
}
