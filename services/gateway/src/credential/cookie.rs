use actix_web::http::header::{COOKIE, HeaderMap};
use contract_auth::{SESSION_COOKIE, Secret};
use url::form_urlencoded;

use super::{CredentialError, Proof, ProofKind};

const PREFIX: &str = "plc_";
const MOST: usize = 256;

/// The session cookie of a request (RFC 6265 section 4.2). One without a value is none.
///
/// # Errors
/// More than one, which no browser sends, or one of another form: auth need not be asked.
pub(crate) fn find(headers: &HeaderMap) -> Result<Option<Proof>, CredentialError> {
    let pairs = headers.get_all(COOKIE).flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let ours = pairs.filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair.trim_ascii()).ok()?.split_once('=')?;
        (name == SESSION_COOKIE && !value.is_empty()).then_some(value)
    });
    let mut ours = ours;
    let Some(value) = ours.next() else { return Ok(None) };
    if ours.next().is_some() {
        return Err(CredentialError::Ambiguous);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !value.starts_with(PREFIX) || value.len() > MOST || !value.bytes().all(plain) {
        return Err(CredentialError::Refused(ProofKind::Cookie));
    }
    Ok(Some(Proof::new(ProofKind::Cookie, Secret::from(value))))
}

/// Whether a login asks for a cookie: its query as auth reads it.
pub(crate) fn is_wanted(target: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "mode" && value == "cookie")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use problem::Describe;
    use proptest::prelude::*;

    fn found(values: &[&str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(COOKIE, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let found = find(&headers).map_err(|why| why.code())?;
        Ok(found.map(|proof| proof.text.expose().to_owned()))
    }

    #[test]
    fn it_is_found_among_others() {
        let ours = Ok(Some("plc_a-B_9".to_owned()));
        for values in [
            &["__Host-plinth=plc_a-B_9"][..],
            &["theme=dark; __Host-plinth=plc_a-B_9; \u{e9}=1;;"],
            &["theme=dark", "__Host-plinth=plc_a-B_9"],
            &["__Host-plinth=; __Host-plinth=plc_a-B_9"],
        ] {
            assert_eq!(found(values), ours, "{values:?}");
        }
        for none in [
            &[][..],
            &["theme=dark"],
            &["__host-plinth=plc_x"],
            &["x__Host-plinth=plc_x"],
            &["__Host-plinth"],
        ] {
            assert_eq!(found(none), Ok(None), "{none:?}");
        }
    }

    #[test]
    fn two_and_what_auth_never_made_are_refused_here() {
        assert_eq!(found(&["__Host-plinth=plc_x; __Host-plinth=plc_y"]), Err("credential_ambiguous"));
        let long = format!("__Host-plinth=plc_{}", "x".repeat(MOST));
        for bad in ["__Host-plinth=x", "__Host-plinth=\"plc_x\"", "__Host-plinth=plc_x y", &long] {
            assert_eq!(found(&[bad]), Err("session_cookie_invalid"), "{bad}");
        }
    }

    #[test]
    fn a_login_asks_for_a_cookie_in_whatever_spelling() {
        for target in [
            "/login?mode=cookie",
            "/login?a=1&mode=cookie",
            "/login?m%6fde=c%6Fokie",
            "/login?mode=x&mode=cookie",
        ] {
            assert!(is_wanted(target), "{target}");
        }
        for target in ["/login", "/login?mode=token", "/login?mode", "/mode=cookie"] {
            assert!(!is_wanted(target), "{target}");
        }
    }

    proptest! {
        #[test]
        fn no_cookie_makes_it_panic(value in "[ -~]{0,80}") {
            let _ = found(&[&value]);
            let _ = is_wanted(&value);
        }
    }
}
