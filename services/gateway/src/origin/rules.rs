//! The law against requests that a foreign page makes in the name of whoever carries a
//! session cookie (CSRF): `SameSite=Lax` alone leaves siblings of our domain, and browsers
//! that do not know it.

use actix_web::http::{
    Method,
    header::{HeaderMap, HeaderName, ORIGIN},
};

use super::{Origins, error::OriginError};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request must show that one of our pages made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It acts by a cookie, or makes one.
    Needed,
    /// A page that may not would be refused, but it need not come from a page: it opens a
    /// WebSocket, which no browser keeps from reading what it likes.
    IfAny,
    /// It acts by a credential that no browser sends by itself, or changes nothing.
    Needless,
}

impl Proof {
    /// What a request needs that uses this method, has the session in a cookie (or asks
    /// for one), and opens a WebSocket.
    pub(crate) fn of(method: &Method, has_cookie: bool, opens_websocket: bool) -> Self {
        match (has_cookie, is_safe(method), opens_websocket) {
            (true, false, _) | (true, _, true) => Self::Needed,
            (false, _, true) => Self::IfAny,
            (true, true, false) | (false, _, false) => Self::Needless,
        }
    }
}

/// RFC 9110 section 9.2.1.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Holds what a browser says of the page behind a request against what is needed. `Origin`
/// must name a trusted one; without it `Sec-Fetch-Site` must say that the page is the
/// gateway's own (<https://www.w3.org/TR/fetch-metadata/>).
///
/// # Errors
/// When the page may not do this, or none is named where one must be.
pub(crate) fn admit(headers: &HeaderMap, proof: Proof, trusted: &Origins) -> Result<(), OriginError> {
    if proof == Proof::Needless {
        return Ok(());
    }
    let mut origins = headers.get_all(ORIGIN).peekable();
    if origins.peek().is_some() {
        let known = origins.all(|origin| trusted.trust(origin));
        return if known { Ok(()) } else { Err(OriginError::Foreign) };
    }
    let own = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
    if own || proof == Proof::IfAny { Ok(()) } else { Err(OriginError::Unsaid) }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const OWN: &str = "https://api.example.com";
    const LISTED: &str = "https://app.example.com";

    fn admitted(proof: Proof, pairs: &[(HeaderName, &str)]) -> Result<(), OriginError> {
        let trusted = Origins(vec![OWN.to_owned(), LISTED.to_owned()]);
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        admit(&headers, proof, &trusted)
    }

    #[test]
    fn what_acts_by_a_cookie_must_come_from_a_trusted_page() {
        for origin in [OWN, LISTED] {
            assert_eq!(admitted(Proof::Needed, &[(ORIGIN, origin)]), Ok(()));
            assert_eq!(
                admitted(Proof::Needed, &[(ORIGIN, origin), (SEC_FETCH_SITE, "same-site")]),
                Ok(()),
                "a listed page may be on a sibling of our domain"
            );
        }
        assert_eq!(admitted(Proof::Needed, &[(SEC_FETCH_SITE, "same-origin")]), Ok(()));
    }

    #[test]
    fn whatever_else_a_page_says_is_refused() {
        for origin in [
            "https://evil.example.com",
            "https://app.example.com.evil.com",
            "https://app.example.com:8443",
            "http://app.example.com",
            "https://APP.example.com",
            "null",
            "",
        ] {
            for proof in [Proof::Needed, Proof::IfAny] {
                let own = (SEC_FETCH_SITE, "same-origin");
                assert_eq!(admitted(proof, &[(ORIGIN, origin), own]), Err(OriginError::Foreign), "{origin}");
            }
        }
        let two = [(ORIGIN, OWN), (ORIGIN, "https://evil.example.com")];
        assert_eq!(admitted(Proof::Needed, &two), Err(OriginError::Foreign));
        for site in ["cross-site", "same-site", "none", "Same-Origin", ""] {
            assert_eq!(
                admitted(Proof::Needed, &[(SEC_FETCH_SITE, site)]),
                Err(OriginError::Unsaid),
                "{site}"
            );
        }
        assert_eq!(admitted(Proof::Needed, &[]), Err(OriginError::Unsaid));
    }

    #[test]
    fn a_socket_without_a_cookie_need_not_come_from_a_page() {
        assert_eq!(admitted(Proof::IfAny, &[]), Ok(()));
        assert_eq!(admitted(Proof::IfAny, &[(ORIGIN, LISTED)]), Ok(()));
    }

    #[test]
    fn only_what_a_browser_adds_by_itself_needs_proof() {
        for unsafe_one in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(Proof::of(&unsafe_one, true, false), Proof::Needed);
            assert_eq!(Proof::of(&unsafe_one, false, false), Proof::Needless);
        }
        for safe in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(Proof::of(&safe, true, false), Proof::Needless);
        }
        assert_eq!(Proof::of(&Method::GET, true, true), Proof::Needed);
        assert_eq!(Proof::of(&Method::GET, false, true), Proof::IfAny);
    }
}
