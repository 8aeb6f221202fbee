//! Which credential a request carries, and where none is looked at.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use contract_auth::{ApiKeyText, routes};
use identity::Refusal;
use service_discovery::Service;

use super::{CredentialError, Proof, ProofKind, cookie};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The credential of a request, of the right form but not yet checked.
#[derive(Debug)]
pub(crate) enum Given<'a> {
    /// None at all: the service decides whether it needs one.
    Nothing,
    /// A bearer token (RFC 6750 section 2.1).
    Token(&'a str),
    /// What auth makes a token of; the check sum of an API key is right.
    Proof(Proof),
}

/// Where a credential is neither looked at nor passed on: these operations make one,
/// or are for everybody. A client that sends a stale token along must not fail there.
pub(crate) fn takes_no_credential(path: &str, service: Service) -> bool {
    let named = path.strip_prefix("/api/v1/").and_then(|rest| rest.strip_suffix("/openapi.json"));
    routes::OPEN.contains(&path) || named == Some(service.name())
}

/// The one credential of a request; `ticket` is the one that its target held. A browser
/// sends its cookie whatever the page wants, so anything else wins over that.
///
/// # Errors
/// More than one, or one of another form. What is no API key never leaves here.
pub(crate) fn given(headers: &HeaderMap, ticket: Option<Proof>) -> Result<Given<'_>, CredentialError> {
    let authorizations = headers.get_all(AUTHORIZATION).map(|value| (value, true));
    let mut all = authorizations.chain(headers.get_all(API_KEY).map(|value| (value, false)));
    let Some((value, is_authorization)) = all.next() else {
        let proof = ticket.map_or_else(|| cookie::find(headers), |ticket| Ok(Some(ticket)))?;
        return Ok(proof.map_or(Given::Nothing, Given::Proof));
    };
    if all.next().is_some() || ticket.is_some() {
        return Err(CredentialError::Ambiguous);
    }
    let text = if is_authorization { bearer(value)? } else { value.to_str().unwrap_or_default() };
    if !is_authorization || ApiKeyText::is_meant(text) {
        text.parse::<ApiKeyText>()?;
        return Ok(Given::Proof(Proof::new(ProofKind::ApiKey, text.into())));
    }
    Ok(Given::Token(text))
}

impl Given<'_> {
    /// The session cookie, if it is that.
    pub(crate) fn cookie(&self) -> Option<&Proof> {
        match self {
            Self::Proof(proof) if proof.kind == ProofKind::Cookie => Some(proof),
            _ => None,
        }
    }
}

fn bearer(value: &HeaderValue) -> Result<&str, Refusal> {
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Refusal::Scheme)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(Refusal::Scheme) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use problem::Describe;
    use proptest::prelude::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        pairs.collect()
    }

    fn refusal(pairs: &[(&'static str, &str)]) -> &'static str {
        given(&headers(pairs), None).unwrap_err().code()
    }

    #[test]
    fn one_credential_of_either_kind() {
        let key = ApiKeyText::generate(ids::ApiKeyId::generate(), "dev").unwrap().expose();
        let (key, bearer) = (key.expose(), format!("bearer {}", key.expose()));
        assert!(matches!(given(&headers(&[]), None), Ok(Given::Nothing)));
        assert!(matches!(
            given(&headers(&[("authorization", "Bearer a.b.c")]), None),
            Ok(Given::Token("a.b.c"))
        ));
        assert!(matches!(given(&headers(&[("authorization", &bearer)]), None), Ok(Given::Proof(_))));
        assert!(matches!(given(&headers(&[("x-api-key", key)]), None), Ok(Given::Proof(_))));
    }

    #[test]
    fn what_is_not_one_credential_is_refused() {
        let twice = [("authorization", "Bearer a"), ("x-api-key", "plk_x")];
        assert_eq!(refusal(&twice), "credential_ambiguous");
        assert_eq!(
            refusal(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]),
            "credential_ambiguous"
        );
        assert_eq!(refusal(&[("authorization", "Basic YTpi")]), "credential_malformed");
        assert_eq!(refusal(&[("authorization", "Bearer ")]), "credential_malformed");
        assert_eq!(refusal(&[("authorization", "Bearer plk_dev_x")]), "api_key_malformed");
        assert_eq!(refusal(&[("x-api-key", "a.b.c")]), "api_key_malformed");
    }

    #[test]
    fn a_cookie_gives_way_to_whatever_the_page_means() {
        let cookie = ("cookie", "__Host-plinth=plc_x");
        let ticket = || Proof::new(ProofKind::Ticket, "plt_x".into());
        let kind = |pairs: &[(&'static str, &str)], ticket| match given(&headers(pairs), ticket) {
            Ok(Given::Proof(proof)) => Some(proof.kind),
            _ => None,
        };
        assert_eq!(kind(&[cookie], None), Some(ProofKind::Cookie));
        assert_eq!(kind(&[cookie], Some(ticket())), Some(ProofKind::Ticket));
        let token = [cookie, ("authorization", "Bearer a.b.c")];
        assert!(matches!(given(&headers(&token), None), Ok(Given::Token("a.b.c"))));
        assert_eq!(given(&headers(&token), Some(ticket())).unwrap_err().code(), "credential_ambiguous");
    }

    #[test]
    fn few_operations_look_at_no_credential() {
        for open in [
            "/api/v1/auth/login",
            "/api/v1/auth/password/reset",
            "/.well-known/jwks.json",
            "/api/v1/auth/openapi.json",
        ] {
            assert!(takes_no_credential(open, Service::Auth), "{open}");
        }
        for closed in [
            "/api/v1/auth/me",
            "/api/v1/auth/login/x",
            "/api/v1/auth/password/change",
            "/api/v1/auth/verify-email/resend",
            "/api/v1/auth/email/change",
            "/api/v1/prefs/x/openapi.json",
            "/api/v1/prefs/openapi.json",
        ] {
            assert!(!takes_no_credential(closed, Service::Auth), "{closed}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "[ -~]{0,60}") {
            let _ = given(&headers(&[("authorization", &value)]), None);
            let _ = given(&headers(&[("x-api-key", &value)]), None);
        }
    }
}
