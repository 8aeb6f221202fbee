use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use super::{
    budget::Retry,
    rules::{FAILURES, Load, MISSED_CHECKS, Penalty, ejection},
};

/// One instance of a service, as all workers see it.
#[derive(Debug)]
pub(in crate::proxy) struct Instance {
    /// Its URL, without a slash at the end.
    pub(in crate::proxy) base: String,
    weight: u32,
    in_flight: AtomicU32,
    penalty: AtomicU64,
    /// In a row.
    failures: AtomicU32,
    /// In a row.
    ejections: AtomicU32,
    /// When the next request may find out whether it is back; 0 while it is in.
    out_until: AtomicU64,
    missed_checks: AtomicU32,
    unready: AtomicBool,
}

/// In what standing an instance was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    In,
    /// It was out, and this request finds out whether it is back.
    OnTrial,
    /// It is out, but there is no other.
    LastResort,
}

/// An instance that was chosen. It has one more request until this is dropped.
#[derive(Debug)]
pub(in crate::proxy) struct Chosen {
    pub(in crate::proxy) instance: Arc<Instance>,
    /// Which of its service's instances it is.
    pub(in crate::proxy) place: usize,
    pub(super) standing: Standing,
    pub(super) retry: Option<Retry>,
}

impl Instance {
    pub(super) fn new(base: &str, weight: u32) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            weight,
            in_flight: AtomicU32::default(),
            penalty: AtomicU64::default(),
            failures: AtomicU32::default(),
            ejections: AtomicU32::default(),
            out_until: AtomicU64::default(),
            missed_checks: AtomicU32::default(),
            unready: AtomicBool::default(),
        }
    }

    pub(super) fn load(&self, now: u64) -> Load {
        let penalty = Penalty::from_bits(self.penalty.load(Relaxed)).requests(now);
        Load { requests: penalty + u64::from(self.in_flight.load(Relaxed)), weight: self.weight }
    }

    /// Whether new requests may go to it.
    pub(super) fn is_in(&self) -> bool {
        !self.is_ejected() && !self.unready.load(Relaxed)
    }

    pub(super) fn is_ejected(&self) -> bool {
        self.out_until.load(Relaxed) != 0
    }

    /// Whether it has been out long enough: true for one of those who ask, and for
    /// another one after as long again.
    pub(super) fn takes_trial(&self, now: u64) -> bool {
        let until = self.out_until.load(Relaxed);
        let is_due = until != 0 && until <= now && !self.unready.load(Relaxed);
        is_due && self.out_until.compare_exchange(until, self.next_trial(now), Relaxed, Relaxed).is_ok()
    }

    fn next_trial(&self, now: u64) -> u64 {
        now + ejection(self.ejections.load(Relaxed))
    }

    /// It served a request. One that was sent before it was put out proves nothing.
    pub(super) fn serves(&self, standing: Standing) {
        // As a rule nothing changes, and nothing is written.
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
        if standing != Standing::In {
            self.ejections.store(0, Relaxed);
            self.out_until.store(0, Relaxed);
        }
    }

    /// Has it weigh as if it had more to do, for a while.
    pub(super) fn penalise(&self, now: u64) {
        self.penalty.update(Relaxed, Relaxed, |bits| Penalty::from_bits(bits).after_failure(now).bits());
    }

    /// It failed once more; whether that is too often.
    pub(super) fn fails(&self) -> bool {
        self.failures.fetch_add(1, Relaxed) + 1 >= FAILURES
    }

    pub(super) fn eject(&self, now: u64) {
        self.failures.store(0, Relaxed);
        self.ejections.fetch_add(1, Relaxed);
        self.out_until.store(self.next_trial(now), Relaxed);
    }

    /// Takes note of a check of its readiness; whether that changes something.
    pub(super) fn checked(&self, is_ready: bool, now: u64) -> bool {
        if !is_ready {
            let missed = self.missed_checks.fetch_add(1, Relaxed) + 1;
            return missed >= MISSED_CHECKS && !self.unready.swap(true, Relaxed);
        }
        self.missed_checks.store(0, Relaxed);
        let is_back = self.unready.swap(false, Relaxed);
        if is_back {
            // It has started anew: no need to wait for a trial.
            let due = |until| (until != 0).then_some(now.max(1).min(until));
            // Tolerated: it is not out.
            let _ = self.out_until.try_update(Relaxed, Relaxed, due);
        }
        is_back
    }
}

impl Chosen {
    pub(super) fn new(instance: &Arc<Instance>, place: usize, standing: Standing) -> Self {
        instance.in_flight.fetch_add(1, Relaxed);
        Self { instance: Arc::clone(instance), place, standing, retry: None }
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_missed_checks_take_it_out_and_one_brings_it_back() {
        let instance = Instance::new("http://a/", 1);
        assert_eq!((instance.checked(false, 0), instance.is_in()), (false, true));
        assert_eq!((instance.checked(false, 0), instance.is_in()), (true, false));
        assert_eq!((instance.checked(false, 0), instance.is_in()), (false, false));
        assert_eq!((instance.checked(true, 0), instance.is_in()), (true, true));
        assert_eq!(
            (instance.checked(true, 0), instance.checked(false, 0), instance.is_in()),
            (false, false, true)
        );
    }

    #[test]
    fn one_request_finds_out_and_only_its_success_brings_it_back() {
        let instance = Instance::new("http://a", 1);
        instance.eject(0);
        assert!(!instance.takes_trial(999) && instance.takes_trial(1_000) && !instance.takes_trial(1_000));
        instance.serves(Standing::In);
        assert!(!instance.is_in(), "that one had been sent before");
        instance.eject(1_000);
        assert!(!instance.takes_trial(2_999) && instance.takes_trial(3_000));
        instance.serves(Standing::OnTrial);
        assert!(instance.is_in());
        instance.eject(5_000);
        assert!(instance.takes_trial(6_000), "a second again");
    }

    #[test]
    fn what_starts_anew_is_tried_at_once() {
        let instance = Instance::new("http://a", 1);
        (0..9).for_each(|_| instance.eject(0));
        instance.checked(false, 0);
        instance.checked(false, 0);
        assert!(!instance.takes_trial(40_000), "it is not ready");
        instance.eject(40_000);
        instance.checked(true, 41_000);
        assert!(instance.takes_trial(41_000));
    }

    #[test]
    fn it_has_a_request_as_long_as_that_lasts() {
        let instance = Arc::new(Instance::new("http://a", 1));
        let chosen = Chosen::new(&instance, 0, Standing::In);
        assert_eq!(instance.load(0).requests, 1);
        drop(chosen);
        assert_eq!(instance.load(0).requests, 0);
    }
}
