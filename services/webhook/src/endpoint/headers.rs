//! Headers of a customer's own that go with each message. They may hold keys: sealed, and never told again.

use std::collections::BTreeMap;

use contract_webhook::EndpointId;
use problem::FieldError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sealing::Keyring;

use super::EndpointError;

/// How many an endpoint has at most.
const MOST: usize = 20;

/// The longest value, bytes.
const LONGEST: usize = 4096;

/// What we write ourselves, or what says how a request is framed (RFC 9110 section 7.6.1, RFC 9112 section 6).
const RESERVED: [&str; 17] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// Those of one endpoint, as they are stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sealed {
    pub(crate) names: Vec<String>,
    pub(crate) sealed: Option<Vec<u8>>,
}

/// What keeps headers from being sent.
pub(super) fn faults(headers: &BTreeMap<String, String>) -> Vec<FieldError> {
    if headers.len() > MOST {
        return vec![FieldError::new("/headers", "too_many", format!("at most {MOST} are wanted"))];
    }
    let mut seen = std::collections::BTreeSet::new();
    let fault = |(name, value): (&String, &String)| {
        let lower = name.to_ascii_lowercase();
        let (code, detail) = if HeaderName::from_bytes(name.as_bytes()).is_err() {
            ("invalid", "this is no name of a header".to_owned())
        } else if RESERVED.contains(&lower.as_str()) || lower.starts_with("webhook-") {
            ("header_reserved", "this one is ours".to_owned())
        } else if HeaderValue::try_from(value).is_err() || value.len() > LONGEST {
            ("invalid", format!("visible ASCII letters are wanted, {LONGEST} at most"))
        } else if !seen.insert(lower) {
            ("duplicate", "it is there twice".to_owned())
        } else {
            return None;
        };
        Some(FieldError::new(format!("/headers/{}", schemas::escape(name)), code, detail))
    };
    headers.iter().filter_map(fault).collect()
}

/// Seals the headers of an endpoint.
pub(super) fn seal(
    keyring: &Keyring,
    id: EndpointId,
    headers: &BTreeMap<String, String>,
) -> Result<Sealed, EndpointError> {
    if headers.is_empty() {
        return Ok(Sealed::default());
    }
    let text = serde_json::to_vec(headers).map_err(|_why| EndpointError::Unwritable)?;
    let sealed = Some(keyring.seal(name(id).as_bytes(), &text)?);
    Ok(Sealed { names: headers.keys().cloned().collect(), sealed })
}

/// What goes with a message.
pub(crate) fn open(
    keyring: &Keyring,
    id: EndpointId,
    sealed: Option<&[u8]>,
) -> Result<HeaderMap, EndpointError> {
    let Some(sealed) = sealed else { return Ok(HeaderMap::new()) };
    let text = keyring.open(name(id).as_bytes(), sealed)?;
    let headers: BTreeMap<String, String> =
        serde_json::from_slice(&text).map_err(|_why| EndpointError::Broken)?;
    let parsed = |(name, value): (String, String)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    };
    headers.into_iter().map(parsed).collect::<Option<HeaderMap>>().ok_or(EndpointError::Broken)
}

/// What they are sealed for.
fn name(id: EndpointId) -> String {
    format!("endpoints/{}/headers", id.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frames_a_request_or_is_ours_is_refused() {
        for (name, value, code) in [
            ("Authorization", "Bearer a", None),
            ("X-Api-Key", "a b", None),
            ("Content-Length", "1", Some("header_reserved")),
            ("Webhook-Id", "1", Some("header_reserved")),
            ("a b", "1", Some("invalid")),
            ("", "1", Some("invalid")),
            ("x", "a\r\nb: c", Some("invalid")),
            ("x", "\0", Some("invalid")),
        ] {
            let headers = [(name.to_owned(), value.to_owned())].into();
            let found = faults(&headers).first().map(|fault| fault.code.clone());
            assert_eq!(found.as_deref(), code, "{name}: {value:?}");
        }
        let twice = ["X-A", "x-a"].map(|name| (name.to_owned(), "1".to_owned())).into();
        assert_eq!(faults(&twice)[0].code, "duplicate");
        let many = (0..21).map(|number| (format!("x-{number}"), String::new())).collect();
        assert_eq!(faults(&many)[0].code, "too_many");
    }

    #[test]
    fn they_open_for_their_endpoint_alone() {
        let keyring = Keyring::parse("k:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let (id, other) = (EndpointId::generate(), EndpointId::generate());
        let sealed = seal(&keyring, id, &[("X-Key".to_owned(), "hunter2".to_owned())].into()).unwrap();
        assert_eq!(sealed.names, ["X-Key"]);
        let opened = open(&keyring, id, sealed.sealed.as_deref()).unwrap();
        assert_eq!(opened["x-key"], "hunter2");
        assert!(!format!("{opened:?}").contains("hunter2"));
        assert!(open(&keyring, other, sealed.sealed.as_deref()).is_err());
        assert!(open(&keyring, id, None).unwrap().is_empty());
    }
}
