//! The cache of exchanged API keys and cookies that all replicas of the gateway share, in Redis.
//!
//! A reader of Redis gains nothing: an entry is encrypted under a key that is
//! derived from the proof itself, and named by a hash from which neither follows.

use std::time::Duration;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hkdf,
};
use data_encoding::HEXLOWER;
use deadpool_redis::{Pool, redis::AsyncCommands};

use super::Proof;

/// The purpose of the derived key.
const PURPOSE: &[u8] = b"gateway/apikey/v1";

/// The name of a proof in caches: its SHA-256.
pub(crate) type ProofHash = [u8; 32];

pub(crate) fn hash(proof: &Proof) -> ProofHash {
    sha256(proof.text.expose().as_bytes())
}

/// The shared cache. Whatever goes wrong with it is tolerated: then auth is asked.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pool: Pool,
    /// How long Redis may take. A cache that is slower than that is none.
    patience: Duration,
}

impl Shared {
    pub(crate) const fn new(pool: Pool, patience: Duration) -> Self {
        Self { pool, patience }
    }

    /// The token that was stored for `proof`.
    pub(crate) async fn find(&self, proof: &Proof) -> Option<String> {
        let name = name(proof);
        let sealed: Option<Vec<u8>> = self.patiently(async |redis| redis.get(&name).await).await?;
        open(proof, &name, &sealed?)
    }

    /// Stores `token` for `proof` for as long as it holds.
    pub(crate) async fn store(&self, proof: &Proof, token: &str, lifetime: Duration) {
        let name = name(proof);
        let Some(sealed) = seal(proof, &name, token) else { return };
        let seconds = lifetime.as_secs().max(1);
        let _: Option<()> = self.patiently(async |redis| redis.set_ex(&name, sealed, seconds).await).await;
    }

    /// Forgets `proof`.
    pub(crate) async fn forget(&self, proof: &Proof) {
        let name = name(proof);
        let _: Option<()> = self.patiently(async |redis| redis.del(&name).await).await;
    }

    async fn patiently<T>(
        &self,
        work: impl AsyncFnOnce(&mut deadpool_redis::Connection) -> deadpool_redis::redis::RedisResult<T>,
    ) -> Option<T> {
        let whole = async {
            let mut connection = self.pool.get().await.map_err(|why| why.to_string())?;
            work(&mut connection).await.map_err(|why| why.to_string())
        };
        match tokio::time::timeout(self.patience, whole).await {
            Ok(Ok(value)) => Some(value),
            Ok(Err(why)) => {
                tracing::warn!(why, "Redis failed; going on without it");
                None
            }
            Err(_) => {
                tracing::warn!("Redis is too slow; going on without it");
                None
            }
        }
    }
}

/// The tag in braces keeps the gateway's keys together in a Redis Cluster.
fn name(proof: &Proof) -> String {
    format!("{{gateway}}:{}:{}", proof.kind.name(), HEXLOWER.encode(&sha256(&hash(proof))))
}

fn seal(proof: &Proof, name: &str, token: &str) -> Option<Vec<u8>> {
    let mut sealed = token.as_bytes().to_vec();
    let nonce = cipher(proof)?.seal_in_place_append_tag(Aad::from(name), &mut sealed).ok()?;
    Some([&nonce.as_ref()[..], &sealed].concat())
}

fn open(proof: &Proof, name: &str, sealed: &[u8]) -> Option<String> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut rest = rest.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let token = cipher(proof)?.open_in_place(nonce, Aad::from(name), &mut rest).ok()?;
    String::from_utf8(token.to_vec()).ok()
}

fn cipher(proof: &Proof) -> Option<RandomizedNonceKey> {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(proof.text.expose().as_bytes());
    let mut bytes = [0; 32];
    secret.expand(&[PURPOSE], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut bytes)).ok()?;
    RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()
}

fn sha256(bytes: &[u8]) -> ProofHash {
    let mut hash = ProofHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::ProofKind;

    #[test]
    fn an_entry_opens_only_with_its_own_key_and_name() {
        let [key, other] = ["plk_dev_1", "plk_dev_2"].map(|text| Proof::new(ProofKind::ApiKey, text.into()));
        let sealed = seal(&key, &name(&key), "a.b.c").unwrap();
        assert_eq!(open(&key, &name(&key), &sealed).as_deref(), Some("a.b.c"));
        assert_eq!(open(&other, &name(&key), &sealed), None);
        assert_eq!(open(&key, &name(&other), &sealed), None);
        assert_eq!(open(&key, &name(&key), &sealed[..20]), None);
        assert!(!name(&key).contains(&HEXLOWER.encode(&hash(&key))), "the name is no hash of the key itself");
    }
}
