//! What a source may say.

use contract_webhook::{HmacOptions, NewSource, SIGNATURE_HEADERS, Scheme, Source, SourcePatch};
use problem::FieldError;

use super::{SourceError, secret};

/// How many sources an organisation has at most.
pub(super) const MOST: i64 = 100;

/// The longest name, characters.
const LONGEST_NAME: usize = 100;

/// The longest pointer and prefix, bytes.
const LONGEST_POINTER: usize = 200;
const LONGEST_PREFIX: usize = 20;

/// Refuses a source that cannot be, with all that is wrong with it. One of the scheme `hmac` that says no
/// more has its usual options.
pub(super) fn accept(new: NewSource) -> Result<NewSource, SourceError> {
    let usual = || (new.scheme == Scheme::Hmac).then(HmacOptions::default);
    let hmac = new.hmac.clone().or_else(usual);
    let mut faults = Vec::new();
    if new.name.trim().is_empty() || new.name.chars().count() > LONGEST_NAME {
        faults.push(FieldError::new(
            "/name",
            "invalid",
            format!("1 to {LONGEST_NAME} characters are wanted"),
        ));
    }
    let secret = new.secret.as_deref().and_then(|text| secret::fault(new.scheme, text));
    faults.extend(secret.map(|why| FieldError::new("/secret", "invalid", why)));
    match (new.scheme, &hmac) {
        (Scheme::Hmac, Some(options)) => faults.extend(hmac_faults(options)),
        (_, Some(_)) => {
            faults.push(FieldError::new("/hmac", "unwanted", "only sources of the scheme `hmac` have it"));
        }
        (_, None) => {}
    }
    if faults.is_empty() { Ok(NewSource { hmac, ..new }) } else { Err(SourceError::Invalid(faults)) }
}

/// What a source is to be, after a patch; its secret, if there is to be another one.
pub(super) fn patched(held: Source, patch: SourcePatch) -> NewSource {
    NewSource {
        name: patch.name.unwrap_or(held.name),
        scheme: held.scheme,
        secret: patch.secret,
        hmac: patch.hmac.or(held.hmac),
    }
}

fn hmac_faults(options: &HmacOptions) -> Vec<FieldError> {
    let mut faults = Vec::new();
    if !SIGNATURE_HEADERS.contains(&options.header.to_ascii_lowercase().as_str()) {
        let detail = format!("one of {} is wanted", SIGNATURE_HEADERS.join(", "));
        faults.push(FieldError::new("/hmac/header", "invalid", detail));
    }
    if options.prefix.len() > LONGEST_PREFIX || !options.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = format!("at most {LONGEST_PREFIX} visible ASCII letters are wanted");
        faults.push(FieldError::new("/hmac/prefix", "invalid", detail));
    }
    for (name, pointer) in [("event_id", &options.event_id), ("event_type", &options.event_type)] {
        let is_bad = |pointer: &String| !pointer.starts_with('/') || pointer.len() > LONGEST_POINTER;
        if pointer.as_ref().is_some_and(is_bad) {
            let detail = "a JSON Pointer such as `/id` is wanted";
            faults.push(FieldError::new(format!("/hmac/{name}"), "invalid", detail));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use problem::Describe;

    fn source(scheme: Scheme) -> NewSource {
        NewSource { name: "ours".to_owned(), scheme, secret: None, hmac: None }
    }

    #[test]
    fn one_in_order_is_kept() {
        assert_eq!(accept(source(Scheme::Hmac)).unwrap().hmac, Some(HmacOptions::default()));
        assert_eq!(accept(source(Scheme::Stripe)).unwrap().hmac, None);
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let hmac = HmacOptions {
            header: "authorization".to_owned(),
            prefix: "\n".to_owned(),
            event_id: Some("id".to_owned()),
            ..HmacOptions::default()
        };
        let bad = |scheme, secret: &str, hmac| NewSource {
            name: " ".to_owned(),
            secret: Some(secret.to_owned()),
            hmac,
            ..source(scheme)
        };
        let pointers = |new| -> Vec<String> {
            accept(new).unwrap_err().fields().into_iter().map(|fault| fault.pointer).collect()
        };
        assert_eq!(
            pointers(bad(Scheme::Hmac, "short", Some(hmac))),
            ["/name", "/secret", "/hmac/header", "/hmac/prefix", "/hmac/event_id"]
        );
        let wanted = ["/name", "/secret", "/hmac"];
        assert_eq!(
            pointers(bad(Scheme::StandardWebhooks, "long-enough", Some(HmacOptions::default()))),
            wanted
        );
    }
}
