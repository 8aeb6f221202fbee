use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use quick_cache::sync::Cache;

use crate::{Decision, Quota, quota::micros};

/// How many keys are counted; of more, those used least recently begin anew.
const CAPACITY: usize = 10_000;

/// Counts in this process: what Redis said last, and what came since while it was away.
#[derive(Debug)]
pub(crate) struct Local {
    began: Instant,
    counts: Cache<String, Arc<Mutex<u64>>>,
}

impl Default for Local {
    fn default() -> Self {
        Self { began: Instant::now(), counts: Cache::new(CAPACITY) }
    }
}

impl Local {
    pub(crate) fn check(&self, key: &str, quota: Quota) -> Decision {
        let (count, now) = (self.count(key), self.now());
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        match quota.count(*count, now) {
            Ok(next) => {
                *count = next;
                quota.decision(next - now, 0)
            }
            Err(wait) => quota.decision(count.saturating_sub(now), wait),
        }
    }

    /// The refusal of a request that is known to come too early: the count of all replicas
    /// never goes back, so none of them lets it pass.
    pub(crate) fn refusal(&self, key: &str, quota: Quota) -> Option<Decision> {
        let count = self.counts.get(key)?;
        let (count, now) = (*count.lock().unwrap_or_else(PoisonError::into_inner), self.now());
        let wait = quota.count(count, now).err()?;
        Some(quota.decision(count.saturating_sub(now), wait))
    }

    /// Takes over how far the count of all replicas is ahead of the clock.
    pub(crate) fn learn(&self, key: &str, ahead: u64) {
        let (count, now) = (self.count(key), self.now());
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = (*count).max(now + ahead);
    }

    /// Of several who come at once, one begins.
    fn count(&self, key: &str) -> Arc<Mutex<u64>> {
        let begun = self.counts.get_or_insert_with(key, || Ok::<_, Infallible>(Arc::default()));
        begun.unwrap_or_else(|never| match never {})
    }

    fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_count() {
        let (local, quota) = (Local::default(), Quota::per_minute(3));
        let passed = |key: &str| (0..10).filter(|_| local.check(key, quota).allowed).count();
        assert_eq!((passed("one"), passed("other")), (3, 3));
    }

    #[test]
    fn what_redis_said_counts_on_without_it() {
        let (local, quota) = (Local::default(), Quota::per_minute(3));
        local.learn("key", quota.tolerance() - quota.interval());
        assert_eq!(local.refusal("key", quota), None);
        assert!(local.check("key", quota).allowed);
        assert!(!local.check("key", quota).allowed);
        assert!(local.refusal("key", quota).is_some_and(|decision| !decision.allowed));
        assert_eq!(local.refusal("other", quota), None);
    }

    #[test]
    fn threads_at_once_pass_no_more_than_the_quota() {
        let (local, quota) = (Local::default(), Quota::per_minute(3));
        let passed = std::thread::scope(|scope| {
            let work = || (0..100).filter(|_| local.check("key", quota).allowed).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(passed, 3);
    }
}
