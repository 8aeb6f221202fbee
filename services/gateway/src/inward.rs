//! The 60-second tokens that the gateway mints for services: what a service
//! accepts, and nothing else.

use std::{sync::Arc, time::Duration};

use identity::{Claims, GATEWAY_ISSUER, SigningKey};
use ids::{Id, Kind as IdKind, Timestamp};
use problem::{Describe, Kind};
use quick_cache::sync::Cache;
use service_discovery::Service;

/// How long an inward token holds, at most.
const LIFETIME: Duration = Duration::from_secs(60);

/// How long before its end it is no longer used, so that it doesn't end on the way.
const MARGIN: Duration = Duration::from_secs(10);

/// How many are remembered.
const CAPACITY: usize = 50_000;

/// Mints inward tokens, and keeps each for those who come again.
#[derive(Clone, Debug)]
pub(crate) struct Mint {
    keys: Arc<[SigningKey]>,
    minted: Arc<Cache<(String, Service), Minted>>,
}

#[derive(Clone, Debug)]
struct Minted {
    token: Arc<str>,
    expires_at: Timestamp,
}

/// No token could be made.
#[derive(Debug, thiserror::Error)]
#[error("no inward token could be made")]
pub(crate) struct MintError;

impl Describe for MintError {
    fn kind(&self) -> Kind {
        Kind::Internal
    }

    fn code(&self) -> &'static str {
        "internal"
    }
}

enum Token {}

impl IdKind for Token {
    const PREFIX: &'static str = "jti";
    const NAME: &'static str = "TokenId";
}

impl Mint {
    /// The first key signs.
    pub(crate) fn new(keys: Arc<[SigningKey]>) -> Self {
        Self { keys, minted: Arc::new(Cache::new(CAPACITY)) }
    }

    /// A token for `service` that says what `outer` says.
    pub(crate) fn token(
        &self,
        outer: &Claims,
        service: Service,
        now: Timestamp,
    ) -> Result<Arc<str>, MintError> {
        let place = (outer.jti.clone(), service);
        if let Some(minted) = self.minted.get(&place).filter(|minted| minted.expires_at > now + MARGIN) {
            return Ok(minted.token);
        }
        let claims = narrowed(outer, service, Id::<Token>::generate().to_string(), now);
        let key = self.keys.first().ok_or(MintError)?;
        let token: Arc<str> = key.sign(&claims).map_err(|_opaque| MintError)?.into();
        self.minted.insert(place, Minted { token: Arc::clone(&token), expires_at: claims.expires_at() });
        Ok(token)
    }
}

/// The claims of the inward token: the outer ones for one service and for a minute,
/// never past the outer token's end.
fn narrowed(outer: &Claims, service: Service, jti: String, now: Timestamp) -> Claims {
    Claims {
        iss: GATEWAY_ISSUER.to_owned(),
        aud: service.name().to_owned(),
        exp: (now + LIFETIME).unix_seconds().min(outer.exp),
        iat: now.unix_seconds(),
        jti,
        ..outer.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outer(exp: i64) -> Claims {
        serde_json::from_value(serde_json::json!({
            "iss": "https://api.example.com", "sub": "usr_1", "aud": "plinth", "jti": "outer", "iat": 0,
            "exp": exp, "scope": "prefs:read", "roles": ["USER"], "ver": 3, "sid": "ses_1",
        }))
        .unwrap()
    }

    fn mint() -> Mint {
        Mint::new(Arc::new([SigningKey::from_seed(&[7; 32]).unwrap()]))
    }

    #[test]
    fn it_says_the_same_for_one_service_and_never_longer() {
        let now = Timestamp::from_unix_seconds(1000).unwrap();
        let inward = narrowed(&outer(1030), Service::Prefs, "inner".to_owned(), now);
        assert_eq!((inward.iss.as_str(), inward.aud.as_str()), (GATEWAY_ISSUER, "prefs"));
        assert_eq!((inward.exp, inward.iat, inward.jti.as_str()), (1030, 1000, "inner"));
        assert_eq!((inward.sub.as_str(), inward.ver, inward.sid.as_deref()), ("usr_1", 3, Some("ses_1")));
        assert_eq!(narrowed(&outer(9000), Service::Prefs, String::new(), now).exp, 1060);
    }

    #[test]
    fn it_is_used_again_until_shortly_before_its_end() {
        let (mint, now) = (mint(), Timestamp::from_unix_seconds(1000).unwrap());
        let first = mint.token(&outer(9000), Service::Prefs, now).unwrap();
        let again =
            |service, seconds| mint.token(&outer(9000), service, now + Duration::from_secs(seconds)).unwrap();
        assert_eq!(again(Service::Prefs, 49), first);
        assert_ne!(again(Service::Auth, 0), first);
        assert_ne!(again(Service::Prefs, 50), first);
    }
}
