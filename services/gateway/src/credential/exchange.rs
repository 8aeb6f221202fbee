//! API keys and session cookies become access tokens at auth, cached here so that auth
//! may be down for ten minutes: fetched anew after four, good for fifteen. A ticket for a
//! WebSocket does so once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use contract_auth::{Client, Grant, IssuedToken};
use identity::{Claims, Verifier};
use ids::Timestamp;
use quick_cache::sync::Cache;
use secrecy::SecretString;
use service_discovery::{CallError, Service};
use tokio::time::timeout;

use super::{
    CredentialError, Proof, ProofKind,
    shared::{ProofHash, Shared, hash},
};

/// How many proofs are remembered, good or refused.
const CAPACITY: usize = 10_000;

/// After what age a token is fetched anew. One caller waits for that, so that one
/// that is gone opens nothing after it; the others go on with what is held. What comes once a
/// minute is five minutes old at most, and has ten more to go when auth goes.
const REFRESH_AFTER: Duration = Duration::from_secs(240);

/// The least time between two attempts to do so.
const REFRESH_PAUSE: Duration = Duration::from_secs(10);

/// How long that caller waits before it, too, goes on with what is held.
const REFRESH_PATIENCE: Duration = Duration::from_secs(1);

/// How long a refused proof is refused without asking again.
const REFUSED: Duration = Duration::from_secs(5);

/// The exchange of proofs, with its caches.
#[derive(Clone, Debug)]
pub(crate) struct Exchanges {
    auth: Client,
    secret: SecretString,
    verifier: Verifier,
    shared: Shared,
    held: Arc<Cache<ProofHash, Arc<Held>>>,
    refused: Arc<Cache<ProofHash, Instant>>,
}

/// What a proof was exchanged for.
#[derive(Debug)]
struct Held {
    claims: Arc<Claims>,
    refresh_at: Mutex<Timestamp>,
}

impl Held {
    fn new(claims: Arc<Claims>) -> Arc<Self> {
        let made = Timestamp::from_unix_seconds(claims.iat).unwrap_or_else(Timestamp::now);
        Arc::new(Self { claims, refresh_at: Mutex::new(made + REFRESH_AFTER) })
    }

    /// Whether the caller is the one who shall fetch it anew; nobody else then is, for a while.
    fn is_to_be_refreshed(&self, now: Timestamp) -> bool {
        let mut at = self.refresh_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = *at <= now;
        if due {
            *at = now + REFRESH_PAUSE;
        }
        due
    }
}

impl Exchanges {
    /// `auth` reaches auth's internal listener; `secret` proves the gateway to it.
    pub(crate) fn new(auth: Client, secret: SecretString, verifier: Verifier, shared: Shared) -> Self {
        let (held, refused) = (Arc::new(Cache::new(CAPACITY)), Arc::new(Cache::new(CAPACITY)));
        Self { auth, secret, verifier, shared, held, refused }
    }

    /// The claims of the token that `proof` stands for.
    pub(crate) async fn claims(&self, proof: &Proof) -> Result<Arc<Claims>, CredentialError> {
        if proof.kind == ProofKind::Ticket {
            let issued = self.issued(proof).await?;
            return Ok(self.verifier.verify(issued.access_token.expose()).await?);
        }
        let (hash, now) = (hash(proof), Timestamp::now());
        if self.is_refused(&hash) {
            return Err(CredentialError::Refused(proof.kind));
        }
        let held = match self.held.get(&hash).filter(|held| self.is_good(held, now)) {
            Some(held) => held,
            None => self.obtain_once(proof, hash, now).await?,
        };
        if held.is_to_be_refreshed(now) {
            return self.refreshed(proof, hash, &held).await;
        }
        Ok(Arc::clone(&held.claims))
    }

    /// Whether auth need not be asked about it: what it stands for is held, or it was refused.
    pub(crate) fn holds(&self, proof: &Proof) -> bool {
        let (hash, now) = (hash(proof), Timestamp::now());
        let held = || self.held.get(&hash).is_some_and(|held| self.is_good(&held, now));
        proof.kind != ProofKind::Ticket && (self.is_refused(&hash) || held())
    }

    /// Forgets what it was exchanged for: what it stands for has changed.
    pub(crate) async fn forget(&self, proof: &Proof) {
        self.held.remove(&hash(proof));
        self.shared.forget(proof).await;
    }

    fn is_refused(&self, hash: &ProofHash) -> bool {
        self.refused.get(hash).is_some_and(|since| since.elapsed() < REFUSED)
    }

    /// Neither expired nor revoked. A revoked one is exchanged anew: a proof that is gone
    /// is refused then, and a changed user's has its new rights at once.
    fn is_good(&self, held: &Held, now: Timestamp) -> bool {
        held.claims.expires_at() > now && !self.verifier.revocations().is_revoked(&held.claims)
    }

    /// One caller obtains it; those who come meanwhile wait for that.
    async fn obtain_once(
        &self,
        proof: &Proof,
        hash: ProofHash,
        now: Timestamp,
    ) -> Result<Arc<Held>, CredentialError> {
        self.held.remove_if(&hash, |held| !self.is_good(held, now));
        match self.held.get_value_or_guard_async(&hash).await {
            Ok(held) => Ok(held),
            Err(turn) => {
                let held = self.obtain(proof, hash).await?;
                // Tolerated: a guard that was overtaken leaves what is there.
                let _ = turn.insert(Arc::clone(&held));
                Ok(held)
            }
        }
    }

    /// From the other replicas, or from auth. What they share may have been revoked:
    /// the verifier refuses it then.
    async fn obtain(&self, proof: &Proof, hash: ProofHash) -> Result<Arc<Held>, CredentialError> {
        if let Some(token) = self.shared.find(proof).await
            && let Ok(claims) = self.verifier.verify(&token).await
        {
            return Ok(Held::new(claims));
        }
        self.exchange(proof, hash).await
    }

    async fn exchange(&self, proof: &Proof, hash: ProofHash) -> Result<Arc<Held>, CredentialError> {
        let issued = self.issued(proof).await;
        if let Err(CredentialError::Refused(_)) = issued {
            self.refused.insert(hash, Instant::now());
            self.shared.forget(proof).await;
        }
        let token = issued?.access_token;
        let claims = self.verifier.verify(token.expose()).await?;
        let lifetime = claims.expires_at().since(Timestamp::now());
        self.shared.store(proof, token.expose(), lifetime).await;
        Ok(Held::new(claims))
    }

    /// What auth gives for it.
    async fn issued(&self, proof: &Proof) -> Result<IssuedToken, CredentialError> {
        let grant = Grant::Exchange(proof.exchange());
        self.auth.token(Service::Gateway, &self.secret, grant).await.map_err(|why| match why {
            CallError::Refused(problem) if problem.code == "invalid_grant" => {
                CredentialError::Refused(proof.kind)
            }
            why if why.is_outage() => CredentialError::Unavailable(why),
            why => CredentialError::Own(why),
        })
    }

    /// A newer token. A proof that auth now refuses is forgotten; while auth is down or
    /// slow, what is held goes on until it expires.
    async fn refreshed(
        &self,
        proof: &Proof,
        hash: ProofHash,
        held: &Held,
    ) -> Result<Arc<Claims>, CredentialError> {
        match timeout(REFRESH_PATIENCE, self.exchange(proof, hash)).await {
            Ok(Ok(newer)) => {
                self.held.insert(hash, Arc::clone(&newer));
                return Ok(Arc::clone(&newer.claims));
            }
            Ok(Err(refused @ CredentialError::Refused(_))) => {
                self.held.remove(&hash);
                return Err(refused);
            }
            Ok(Err(why)) => tracing::warn!(%why, "a token could not be refreshed; it goes on as it is"),
            Err(_elapsed) => tracing::warn!("auth is slow to refresh a token; it goes on as it is"),
        }
        Ok(Arc::clone(&held.claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_refreshes_and_a_failure_is_tried_again_after_a_pause() {
        let now = Timestamp::from_unix_seconds(1_000_000).unwrap();
        let claims = serde_json::json!({
            "iss": "i", "sub": "s", "aud": "a", "jti": "j", "iat": 1_000_000, "exp": 1_000_900,
        });
        let held = Held::new(Arc::new(serde_json::from_value(claims).unwrap()));
        assert!(!held.is_to_be_refreshed(now + Duration::from_secs(239)));
        let due = now + REFRESH_AFTER;
        assert!(held.is_to_be_refreshed(due));
        assert!(!held.is_to_be_refreshed(due), "another caller goes on meanwhile");
        assert!(held.is_to_be_refreshed(due + REFRESH_PAUSE));
    }

    #[test]
    fn what_comes_once_a_minute_has_ten_minutes_without_auth() {
        let (lifetime, outage) = (Duration::from_secs(900), Duration::from_secs(600));
        let oldest = REFRESH_AFTER + Duration::from_secs(60);
        assert!(oldest + outage <= lifetime);
    }
}
