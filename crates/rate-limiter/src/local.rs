use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use quick_cache::sync::Cache;

use crate::{Count, Quota, decision::Told, quota::micros, shared::Named};

/// How many keys are counted; of more, those used least recently begin anew.
const CAPACITY: usize = 50_000;

/// Counts in this process: what Redis said last, and what came since while it was away.
#[derive(Debug)]
pub(crate) struct Local {
    began: Instant,
    counts: Cache<String, Arc<AtomicU64>>,
    /// Whoever counts by several keys does so alone.
    turn: Mutex<()>,
}

impl Default for Local {
    fn default() -> Self {
        Self { began: Instant::now(), counts: Cache::new(CAPACITY), turn: Mutex::default() }
    }
}

impl Local {
    /// Counts by all or by none.
    pub(crate) fn count(&self, named: &[Named<'_>], quota: impl Fn(&Count) -> Quota) -> Vec<Told> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let mut told = self.look(named, &quota, now);
        if Told::allow(&told) {
            for (Named { name, count }, told) in named.iter().zip(&mut told) {
                told.ahead += quota(count).weight(count.cost);
                self.advance(name, now + told.ahead);
            }
        }
        told
    }

    /// The refusal of a request that is known to come too early: the count of all replicas
    /// never goes back, so none of them lets it pass.
    pub(crate) fn refusal(&self, named: &[Named<'_>]) -> Option<Vec<Told>> {
        let told = self.look(named, |count| count.policy.quota(), self.now());
        (!Told::allow(&told)).then_some(told)
    }

    /// Takes over how far the counts of all replicas were ahead of the clock, at the earliest
    /// when Redis was asked: so a refusal never lasts too long.
    pub(crate) fn learn(&self, named: &[Named<'_>], asked: u64, told: &[Told]) {
        for (Named { name, .. }, told) in named.iter().zip(told) {
            self.advance(name, asked + told.ahead);
        }
    }

    /// Microseconds, since this process began to count.
    pub(crate) fn now(&self) -> u64 {
        micros(self.began.elapsed())
    }

    fn look(&self, named: &[Named<'_>], quota: impl Fn(&Count) -> Quota, now: u64) -> Vec<Told> {
        let look = |Named { name, count }: &Named<'_>| {
            let known = self.counts.get(name).map_or(0, |known| known.load(Ordering::Relaxed));
            let wait = quota(count).count(known, now, count.cost).err().unwrap_or(0);
            Told { ahead: known.saturating_sub(now), wait }
        };
        named.iter().map(look).collect()
    }

    /// Of several who come at once, one begins; a count never goes back.
    fn advance(&self, name: &str, to: u64) {
        let begun = self.counts.get_or_insert_with(name, || Ok::<_, Infallible>(Arc::default()));
        let count = begun.unwrap_or_else(|never| match never {});
        count.fetch_max(to, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;
    use proptest::prelude::*;

    fn count(key: &str, quota: Quota) -> Count {
        Policy::new("test", quota).of(key)
    }

    fn named(counts: &[Count]) -> Vec<Named<'_>> {
        counts.iter().map(|count| Named { name: count.key.clone(), count }).collect()
    }

    fn passes(local: &Local, counts: &[Count]) -> bool {
        let told = local.count(&named(counts), |count| count.policy.quota());
        Told::allow(&told)
    }

    #[test]
    fn each_key_has_its_own_count() {
        let (local, quota) = (Local::default(), Quota::per_minute(3));
        let passed = |key: &str| (0..10).filter(|_| passes(&local, &[count(key, quota)])).count();
        assert_eq!((passed("one"), passed("other")), (3, 3));
    }

    #[test]
    fn what_redis_said_counts_on_without_it() {
        let (local, quota) = (Local::default(), Quota::per_minute(3));
        let counts = [count("key", quota)];
        let ahead = quota.tolerance() - quota.interval();
        local.learn(&named(&counts), local.now(), &[Told { ahead, wait: 0 }]);
        assert_eq!(local.refusal(&named(&counts)), None);
        assert!(passes(&local, &counts));
        assert!(!passes(&local, &counts));
        assert!(local.refusal(&named(&counts)).is_some());
        assert_eq!(local.refusal(&named(&[count("other", quota)])), None);
    }

    #[test]
    fn threads_at_once_pass_no_more_than_the_quota() {
        let (local, quota) = (Local::default(), Quota::per_minute(3));
        let passed = std::thread::scope(|scope| {
            let work = || (0..100).filter(|_| passes(&local, &[count("key", quota)])).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(passed, 3);
    }

    proptest! {
        /// Whatever is asked, a request that is refused by one key changes none, and one that
        /// passes changes all: each key holds exactly what passed.
        #[test]
        fn a_refused_request_changes_no_count(
            asked in prop::collection::vec(prop::collection::btree_map(0_usize..4, 1_u32..4, 1..4), 1..60),
        ) {
            let (local, quotas) = (Local::default(), [1, 3, 5, 9].map(|n| Quota::new(n, std::time::Duration::from_secs(86_400))));
            let mut passed = [0; 4];
            for request in asked {
                let counts: Vec<_> =
                    request.iter().map(|(key, cost)| count(&key.to_string(), quotas[*key]).costing(*cost)).collect();
                let costs: Vec<_> =
                    request.iter().map(|(key, cost)| (*key, (*cost).min(quotas[*key].burst()))).collect();
                let fits = costs.iter().all(|(key, cost)| passed[*key] + cost <= quotas[*key].burst());
                prop_assert_eq!(passes(&local, &counts), fits);
                if fits {
                    costs.iter().for_each(|(key, cost)| passed[*key] += cost);
                }
            }
        }
    }
}
