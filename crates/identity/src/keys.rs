use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm},
};
use reqwest::Method;
use service_discovery::{CallError, Peer};

use crate::Refusal;

/// Public keys by their `kid`. Only Ed25519 keys get in, so a `kid` has one algorithm.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: RwLock<HashMap<String, Arc<DecodingKey>>>,
}

impl KeySet {
    /// Holds the keys of `set` and no other from now on.
    pub fn replace(&self, set: &JwkSet) {
        let keys = set.keys.iter().filter_map(usable).collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn find(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }
}

fn usable(jwk: &Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else { return None };
    let algorithm = jwk.common.key_algorithm.unwrap_or(KeyAlgorithm::EdDSA);
    if pair.curve != EllipticCurve::Ed25519 || algorithm != KeyAlgorithm::EdDSA {
        return None;
    }
    let key = DecodingKey::from_ed_components(&pair.x).ok()?;
    Some((jwk.common.key_id.clone()?, Arc::new(key)))
}

/// Where a verifier gets an issuer's public keys.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Held here; somebody else keeps them up to date.
    Held(Arc<KeySet>),
    /// Fetched from the issuer.
    Fetched(Arc<FetchedKeys>),
}

impl KeySource {
    /// The key, `None` when the issuer has no such key.
    pub(crate) async fn find(&self, kid: &str) -> Result<Option<Arc<DecodingKey>>, Refusal> {
        match self {
            Self::Held(keys) => Ok(keys.find(kid)),
            Self::Fetched(keys) => keys.find(kid).await,
        }
    }
}

/// An issuer's keys, fetched when first needed and kept.
///
/// They are fetched anew every [`FetchedKeys::FRESH`] behind the callers' backs,
/// and when an unknown `kid` turns up, though at most once in
/// [`FetchedKeys::PAUSE`]. While the issuer is down, those held go on.
#[derive(Debug)]
pub struct FetchedKeys {
    peer: Peer,
    path: String,
    keys: KeySet,
    state: RwLock<State>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    tried: Option<Instant>,
    fetched: Option<Instant>,
}

impl FetchedKeys {
    /// How long keys are taken as they are.
    pub const FRESH: Duration = Duration::from_secs(300);
    /// The least time between two fetches, once there are keys.
    pub const PAUSE: Duration = Duration::from_secs(10);
    /// The least time between two fetches, as long as there are none.
    const FIRST_PAUSE: Duration = Duration::from_millis(500);

    /// The keys that `peer` publishes at `path`.
    #[must_use]
    pub fn new(peer: Peer, path: &str) -> Arc<Self> {
        Arc::new(Self {
            peer,
            path: path.to_owned(),
            keys: KeySet::default(),
            state: RwLock::default(),
            fetching: tokio::sync::Mutex::default(),
        })
    }

    async fn find(self: &Arc<Self>, kid: &str) -> Result<Option<Arc<DecodingKey>>, Refusal> {
        if let Some(key) = self.keys.find(kid) {
            if self.is_stale() && self.may_fetch() {
                let this = Arc::clone(self);
                tokio::spawn(async move { this.fetch().await });
            }
            return Ok(Some(key));
        }
        if self.may_fetch() {
            // Boxed, so that those who find their key carry no room for it.
            Box::pin(self.fetch()).await;
        }
        match self.state().fetched {
            Some(_) => Ok(self.keys.find(kid)),
            None => Err(Refusal::NoKeys),
        }
    }

    /// One fetch at a time; those who waited for it share its outcome. A failure is
    /// tolerated: what is held goes on, and the next caller tries again.
    async fn fetch(&self) {
        let _turn = self.fetching.lock().await;
        if !self.may_fetch() {
            return;
        }
        let outcome = self.peer.json::<JwkSet>(self.peer.request(Method::GET, &self.path)).await;
        let now = Instant::now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tried = Some(now);
        match outcome {
            Ok(set) => {
                self.keys.replace(&set);
                state.fetched = Some(now);
            }
            Err(error) => warn(&error, &self.path),
        }
    }

    fn may_fetch(&self) -> bool {
        let state = self.state();
        let pause = if state.fetched.is_some() { Self::PAUSE } else { Self::FIRST_PAUSE };
        state.tried.is_none_or(|tried| tried.elapsed() >= pause)
    }

    fn is_stale(&self) -> bool {
        self.state().fetched.is_none_or(|fetched| fetched.elapsed() >= Self::FRESH)
    }

    fn state(&self) -> State {
        *self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn(error: &CallError, path: &str) {
    let cause: &dyn std::error::Error = error;
    tracing::warn!(error = cause, path, "the issuer's keys could not be fetched; those held go on");
}
