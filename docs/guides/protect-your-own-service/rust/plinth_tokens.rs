//! Verifies access tokens of Plinth, by public keys that are fetched once and kept.

use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

/// A key that was withdrawn is forgotten within so long.
const FRESH: Duration = Duration::from_secs(300);

/// Made-up key ids make one request in so long, not one each.
const PAUSE: Duration = Duration::from_secs(10);

/// Who calls, as a verified token says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Caller {
    /// `usr_…`.
    #[serde(rename = "sub")]
    pub(crate) user: String,
    /// `org_…`: the one organisation that the token acts in.
    pub(crate) org: String,
    #[serde(default)]
    scope: String,
    /// Who acts in the user's name, if somebody does.
    #[serde(rename = "act")]
    pub(crate) actor: Option<Value>,
}

impl Caller {
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|held| held == scope)
    }
}

pub(crate) enum Refusal {
    /// The token proves nothing: 401.
    Unauthenticated,
    /// Without keys nothing can be said of any token: 503.
    NoKeys,
}

/// Takes tokens of one Plinth.
pub(crate) struct Verifier {
    keys_url: String,
    http: reqwest::Client,
    rules: Validation,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    set: Option<JwkSet>,
    asked: Option<Instant>,
}

impl Verifier {
    /// `issuer` is Plinth's public URL.
    pub(crate) fn new(issuer: &str, http: reqwest::Client) -> Self {
        // What the token itself says of its algorithm counts for nothing.
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[issuer]);
        // What clients hold; Plinth's own services have tokens of their own.
        rules.set_audience(&["plinth"]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.leeway = 5;
        let keys_url = format!("{issuer}/.well-known/jwks.json");
        Self { keys_url, http, rules, keys: Mutex::default() }
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_why| Refusal::Unauthenticated)?;
        // An access token, and no other JWT of the same key (RFC 9068).
        if header.typ.as_deref() != Some("at+jwt") || header.crit.is_some() {
            return Err(Refusal::Unauthenticated);
        }
        let kid = header.kid.ok_or(Refusal::Unauthenticated)?;
        let key = self.key(&kid).await?;
        let verified = jsonwebtoken::decode::<Caller>(token, &key, &self.rules);
        let caller = verified.map_err(|_why| Refusal::Unauthenticated)?.claims;
        if caller.user.starts_with("usr_") { Ok(caller) } else { Err(Refusal::Unauthenticated) }
    }

    async fn key(&self, kid: &str) -> Result<DecodingKey, Refusal> {
        let mut keys = self.keys.lock().await;
        let known = keys.set.as_ref().is_some_and(|set| set.find(kid).is_some());
        let patience = if known { FRESH } else { PAUSE };
        if keys.set.is_none() || keys.asked.is_none_or(|asked| asked.elapsed() >= patience) {
            keys.asked = Some(Instant::now());
            // If Plinth is away, the keys that are held go on.
            if let Ok(set) = self.fetch().await {
                keys.set = Some(set);
            }
        }
        let jwk = keys.set.as_ref().ok_or(Refusal::NoKeys)?.find(kid).ok_or(Refusal::Unauthenticated)?;
        DecodingKey::from_jwk(jwk).map_err(|_why| Refusal::Unauthenticated)
    }

    async fn fetch(&self) -> reqwest::Result<JwkSet> {
        self.http.get(&self.keys_url).send().await?.error_for_status()?.json().await
    }
}
