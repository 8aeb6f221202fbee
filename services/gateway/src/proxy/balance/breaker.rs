use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Refuses at once what would fail: when almost all requests of a service fail, none is
/// sent for a second, and then one each quarter of a second, until one succeeds.
#[derive(Debug, Default)]
pub(super) struct Breaker(AtomicU64);

impl Breaker {
    /// Whether a request may be sent.
    pub(super) fn admits(&self, now: u64) -> bool {
        let admitted = |bits| State::from_bits(bits).admit(now).map(State::bits);
        // As a rule nothing changes, and nothing is written.
        State::from_bits(self.0.load(Relaxed)).is_whole()
            || self.0.try_update(Relaxed, Relaxed, admitted).is_ok()
    }

    /// Takes note of how a request ended that was sent.
    pub(super) fn record(&self, failed: bool, now: u64) {
        let changed = |bits| {
            let next = State::from_bits(bits).record(failed, now).bits();
            (next != bits).then_some(next)
        };
        // Tolerated: nothing to change.
        let _ = self.0.try_update(Relaxed, Relaxed, changed);
    }
}

/// How full of failures it is; and once it has tripped, when the next may find out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    failures: u64,
    next_trial: u64,
}

impl State {
    /// So many failures trip it, in a row or with few successes between.
    const FULL: u64 = 20;
    /// What a success makes up for: it trips only where more than ten of eleven fail.
    const SUCCESS: u64 = 10;
    const REST: u64 = 1_000;
    const TRICKLE: u64 = 250;
    const BITS: u32 = 8;

    const fn from_bits(bits: u64) -> Self {
        Self { failures: bits & ((1 << Self::BITS) - 1), next_trial: bits >> Self::BITS }
    }

    const fn bits(self) -> u64 {
        self.next_trial << Self::BITS | self.failures
    }

    const fn is_whole(self) -> bool {
        self.failures < Self::FULL
    }

    /// After a request was sent at `now`; `None` when it must not be.
    fn admit(self, now: u64) -> Option<Self> {
        if self.is_whole() {
            return Some(self);
        }
        (self.next_trial <= now).then_some(Self { next_trial: now + Self::TRICKLE, ..self })
    }

    fn record(self, failed: bool, now: u64) -> Self {
        match (failed, self.is_whole()) {
            (true, true) => Self { failures: self.failures + 1, next_trial: now + Self::REST },
            (true, false) => self,
            (false, true) => Self { failures: self.failures.saturating_sub(Self::SUCCESS), ..self },
            (false, false) => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tripped(now: u64) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..State::FULL {
            assert!(breaker.admits(now));
            breaker.record(true, now);
        }
        breaker
    }

    #[test]
    fn it_refuses_for_a_second_and_then_lets_a_trickle_find_out() {
        let breaker = tripped(5_000);
        assert!(!breaker.admits(5_000) && !breaker.admits(5_999));
        assert!(breaker.admits(6_000));
        breaker.record(true, 6_100);
        assert!(!breaker.admits(6_249));
        assert!(breaker.admits(6_250), "also when nobody heard how the last one ended");
        breaker.record(false, 6_300);
        assert!(breaker.admits(6_300) && breaker.admits(6_300));
    }

    #[test]
    fn a_service_of_which_a_tenth_succeeds_is_not_given_up() {
        let breaker = Breaker::default();
        for request in 0..10_000 {
            assert!(breaker.admits(0));
            breaker.record(request % 10 != 0, 0);
        }
    }

    proptest! {
        /// Any history of ends, each so many milliseconds after the last.
        #[test]
        fn it_agrees_with_its_law(history in prop::collection::vec((0_u64..400, 0_u8..40), 0..300)) {
            let (breaker, mut now, mut failed_in_a_row) = (Breaker::default(), 0, 0);
            let (mut refused_once, mut last_trial) = (false, None);
            for (pause, end) in history {
                now += pause;
                if !breaker.admits(now) {
                    prop_assert!(failed_in_a_row > 0 && last_trial.is_none_or(|last| now < last + State::REST));
                    refused_once = true;
                    continue;
                }
                if refused_once {
                    prop_assert!(last_trial.is_none_or(|last| now >= last + State::TRICKLE));
                }
                last_trial = Some(now);
                let failed = end > 0;
                breaker.record(failed, now);
                if failed {
                    failed_in_a_row += 1;
                } else {
                    (failed_in_a_row, refused_once) = (0, false);
                    prop_assert!(breaker.admits(now), "a success mends it");
                }
            }
        }

        #[test]
        fn fewer_failures_than_it_takes_refuse_nobody(ends in prop::collection::vec(any::<bool>(), 0..19)) {
            let breaker = Breaker::default();
            for failed in ends {
                breaker.record(failed, 0);
            }
            prop_assert!(breaker.admits(0));
        }
    }
}
