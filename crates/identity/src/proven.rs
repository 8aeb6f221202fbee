use std::{fmt, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::DecodingKey;
use quick_cache::sync::Cache;

use crate::Claims;

/// How many tokens are remembered: some 4 MB.
const CAPACITY: usize = 4096;

/// Tokens whose signatures were verified, so that one that comes again costs no second
/// verification. It holds no token, but the SHA-256 of each, and nothing that was refused.
#[derive(Clone)]
pub(crate) struct Proven(Arc<Cache<[u8; 32], Arc<Proof>>>);

/// What was proven of a token, and by what.
pub(crate) struct Proof {
    pub(crate) claims: Arc<Claims>,
    /// The place of its issuer among those that are trusted.
    pub(crate) issuer: usize,
    pub(crate) kid: String,
    /// The very key: another one of the same name proves it anew.
    pub(crate) key: Arc<DecodingKey>,
}

impl Proven {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(CAPACITY)))
    }

    pub(crate) fn recall(&self, token: &str) -> Option<Arc<Proof>> {
        self.0.get(&hash(token))
    }

    pub(crate) fn remember(&self, token: &str, proof: Proof) {
        self.0.insert(hash(token), Arc::new(proof));
    }
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proven").field("tokens", &self.0.len()).finish()
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}
