//! The 60-second tokens that the gateway mints for services: what a service
//! accepts, and nothing else.

use std::{sync::Arc, time::Duration};

use hyper::header::HeaderValue;
use identity::{Claims, GATEWAY_ISSUER, SigningKey};
use ids::{Id, Kind as IdKind, Timestamp};
use jsonwebtoken::jwk::JwkSet;
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
    authorization: HeaderValue,
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
    /// The first key signs. What was minted `before` by the same keys is kept.
    pub(crate) fn new(keys: Arc<[SigningKey]>, before: Option<&Self>) -> Self {
        let has_same = |before: &&Self| before.kids().eq(keys.iter().map(SigningKey::kid));
        let kept = before.filter(has_same).map(|before| Arc::clone(&before.minted));
        Self { keys, minted: kept.unwrap_or_else(|| Arc::new(Cache::new(CAPACITY))) }
    }

    fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(SigningKey::kid)
    }

    /// The public halves of its keys.
    pub(crate) fn published(&self) -> JwkSet {
        JwkSet { keys: self.keys.iter().map(SigningKey::public_jwk).collect() }
    }

    /// `Bearer` and a token for `service` that says what `outer` says.
    pub(crate) fn authorization(
        &self,
        outer: &Claims,
        service: Service,
        now: Timestamp,
    ) -> Result<HeaderValue, MintError> {
        let place = (outer.jti.clone(), service);
        if let Some(minted) = self.minted.get(&place).filter(|minted| minted.expires_at > now + MARGIN) {
            return Ok(minted.authorization);
        }
        let claims = narrowed(outer, service, Id::<Token>::generate().to_string(), now);
        let key = self.keys.first().ok_or(MintError)?;
        let token = key.sign(&claims).map_err(|_opaque| MintError)?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_why| MintError)?;
        authorization.set_sensitive(true);
        let minted = Minted { authorization: authorization.clone(), expires_at: claims.expires_at() };
        self.minted.insert(place, minted);
        Ok(authorization)
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

    fn keys(seeds: &[u8]) -> Arc<[SigningKey]> {
        seeds.iter().map(|seed| SigningKey::from_seed(&[*seed; 32]).unwrap()).collect()
    }

    fn mint() -> Mint {
        Mint::new(keys(&[7]), None)
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
    fn other_keys_sign_anew_and_the_same_keep_what_they_signed() {
        let (mint, now) = (mint(), Timestamp::from_unix_seconds(1000).unwrap());
        let token = |mint: &Mint| mint.authorization(&outer(9000), Service::Prefs, now).unwrap();
        let first = token(&mint);
        assert_eq!(token(&Mint::new(keys(&[7]), Some(&mint))), first);
        for others in [&[8][..], &[7, 8], &[8, 7]] {
            let other = Mint::new(keys(others), Some(&mint));
            assert_ne!(token(&other), first, "{others:?}");
            assert_eq!(other.published().keys.len(), others.len());
        }
    }

    #[test]
    fn it_is_used_again_until_shortly_before_its_end() {
        let (mint, now) = (mint(), Timestamp::from_unix_seconds(1000).unwrap());
        let first = mint.authorization(&outer(9000), Service::Prefs, now).unwrap();
        let again = |service, seconds| {
            mint.authorization(&outer(9000), service, now + Duration::from_secs(seconds)).unwrap()
        };
        assert_eq!(again(Service::Prefs, 49), first);
        assert_ne!(again(Service::Auth, 0), first);
        assert_ne!(again(Service::Prefs, 50), first);
    }
}
