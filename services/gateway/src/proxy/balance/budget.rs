use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// How many requests may be sent once more: a fifth of all that come, and three at a time
/// in any case. What was not used is kept for the moment in which an instance dies
/// with all that it had, up to [`Budget::RESERVE`].
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// In parts of a retry, of which each request brings one.
    earned: AtomicU32,
    underway: AtomicU32,
}

/// The right to send a request once more; it counts until this is dropped.
#[derive(Debug)]
pub(super) struct Retry(Arc<Budget>);

impl Budget {
    /// The parts of a retry.
    const PARTS: u32 = 5;
    const AT_A_TIME: u32 = 3;
    const RESERVE: u32 = 200;

    /// Takes note of a request.
    pub(super) fn earn(&self) {
        let more = |earned| (earned < Self::RESERVE * Self::PARTS).then_some(earned + 1);
        // Tolerated: it is full.
        let _ = self.earned.try_update(Relaxed, Relaxed, more);
    }

    pub(super) fn retry(self: &Arc<Self>) -> Option<Retry> {
        let before = self.underway.fetch_add(1, Relaxed);
        let retry = Retry(Arc::clone(self));
        let spent = self.earned.try_update(Relaxed, Relaxed, |earned| earned.checked_sub(Self::PARTS));
        (spent.is_ok() || before < Self::AT_A_TIME).then_some(retry)
    }
}

impl Drop for Retry {
    fn drop(&mut self) {
        self.0.underway.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_at_a_time_are_free() {
        let budget = Arc::new(Budget::default());
        let mut three: Vec<Retry> = (0..3).filter_map(|_| budget.retry()).collect();
        assert_eq!((three.len(), budget.retry().is_none()), (3, true));
        three.pop();
        assert!(budget.retry().is_some());
    }

    #[test]
    fn what_is_saved_is_limited() {
        let budget = Arc::new(Budget::default());
        for _ in 0..100_000 {
            budget.earn();
        }
        let underway: Vec<Retry> = std::iter::from_fn(|| budget.retry()).collect();
        assert_eq!(underway.len(), usize::try_from(Budget::RESERVE).unwrap());
    }

    proptest! {
        #[test]
        fn of_any_history_a_fifth_is_retried_at_most(history in prop::collection::vec(any::<bool>(), 0..500)) {
            let budget = Arc::new(Budget::default());
            // So that none is free.
            let held: Vec<Retry> = (0..3).filter_map(|_| budget.retry()).collect();
            let (mut requests, mut retries) = (0, 0);
            for is_request in history {
                if is_request {
                    budget.earn();
                    requests += 1;
                } else if budget.retry().is_some() {
                    retries += 1;
                }
                prop_assert!(retries * 5 <= requests);
            }
            drop(held);
        }
    }
}
