use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadpool_redis::Pool;

use crate::{Decision, Quota, local::Local, shared::Shared};

/// How long it is left alone after it failed; then one request finds out.
const REST: Duration = Duration::from_secs(1);

/// Counts requests, for all replicas together.
#[derive(Clone, Debug)]
pub struct Limiter {
    shared: Shared,
    patience: Duration,
    local: Arc<Local>,
    rests_until: Arc<Mutex<Option<Instant>>>,
}

impl Limiter {
    /// Counts in this Redis, which may take as long as `patience`.
    #[must_use]
    pub fn new(pool: Pool, patience: Duration) -> Self {
        Self { shared: Shared::new(pool), patience, local: Arc::default(), rests_until: Arc::default() }
    }

    /// Counts a request against the quota of `key`, if that allows it.
    ///
    /// It fails never: without Redis this process counts for itself.
    pub async fn check(&self, key: &str, quota: Quota) -> Decision {
        if let Some(refusal) = self.local.refusal(key, quota) {
            return refusal;
        }
        if !self.may_ask(Instant::now()) {
            return self.local.check(key, quota);
        }
        let why = match tokio::time::timeout(self.patience, self.shared.check(key, quota)).await {
            Ok(Ok((ahead, wait))) => {
                self.rest(None);
                self.local.learn(key, ahead);
                return quota.decision(ahead, wait);
            }
            Ok(Err(why)) => why,
            Err(_elapsed) => "it is too slow".to_owned(),
        };
        tracing::warn!(why, "Redis cannot count requests; this process counts for itself");
        self.rest(Some(Instant::now() + REST));
        self.local.check(key, quota)
    }

    /// Whether Redis is to be asked. After a rest one caller asks, and the others only when
    /// that one was answered.
    fn may_ask(&self, now: Instant) -> bool {
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        match *rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                *rests_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    fn rest(&self, until: Option<Instant>) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}
