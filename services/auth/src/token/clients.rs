use std::collections::BTreeMap;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use aws_lc_rs::constant_time;
use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};
use service_discovery::Service;

/// The services that may ask for tokens, and what each proves itself by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients {
    secrets: BTreeMap<Service, SecretString>,
}

impl Clients {
    /// Those with a secret.
    pub(crate) fn new(secrets: impl IntoIterator<Item = (Service, SecretString)>) -> Self {
        Self { secrets: secrets.into_iter().collect() }
    }

    /// Which service asks, by HTTP Basic (RFC 6749 section 2.3.1). Names and secrets
    /// hold nothing that would have to be form-encoded.
    pub(crate) fn authenticate(&self, headers: &HeaderMap) -> Option<Service> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        let (name, secret) = decoded.split_once(':')?;
        let service = name.parse().ok()?;
        let wanted = self.secrets.get(&service)?.expose_secret();
        constant_time::verify_slices_are_equal(wanted.as_bytes(), secret.as_bytes()).ok().map(|()| service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn asks(authorization: &str) -> Option<Service> {
        let clients = Clients::new([(Service::Gateway, SecretString::from("a long secret"))]);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        clients.authenticate(&headers)
    }

    #[test]
    fn only_the_right_secret_of_a_known_service_will_do() {
        let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair.as_bytes()));
        assert_eq!(asks(&basic("gateway:a long secret")), Some(Service::Gateway));
        for wrong in ["gateway:", "gateway:a long secre", "prefs:a long secret", "gateway", ":", "nobody:x"] {
            assert_eq!(asks(&basic(wrong)), None, "{wrong}");
        }
        assert_eq!(asks("Bearer gateway:a long secret"), None);
        assert_eq!(asks("Basic !!!"), None);
    }
}
