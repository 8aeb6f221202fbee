use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
};

use hyper::{
    Uri,
    header::HeaderValue,
    http::uri::{Authority, Scheme},
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
    /// The same, read once.
    pub(in crate::proxy) uri: Uri,
    /// How it is called (RFC 9110 section 7.2).
    pub(in crate::proxy) host: HeaderValue,
    /// Whether HTTP/2 is spoken without asking.
    pub(in crate::proxy) http2: bool,
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
    pub(super) fn new(base: &str, http2: bool) -> Self {
        // What is no URI leads nowhere, and its requests fail.
        let uri: Uri = base.parse().unwrap_or_default();
        Self {
            base: base.to_owned(),
            host: host(uri.authority()),
            uri,
            http2,
            in_flight: AtomicU32::default(),
            penalty: AtomicU64::default(),
            failures: AtomicU32::default(),
            ejections: AtomicU32::default(),
            out_until: AtomicU64::default(),
            missed_checks: AtomicU32::default(),
            unready: AtomicBool::default(),
        }
    }

    /// Whether it is reached in clear text and by HTTP/1.1, so that its connections are kept.
    pub(in crate::proxy) fn is_kept(&self) -> bool {
        !self.http2 && self.uri.scheme() == Some(&Scheme::HTTP)
    }

    /// What it has to do, and how much it should: that is for the settings to say.
    pub(super) fn load(&self, now: u64, weight: u32) -> Load {
        let penalty = Penalty::from_bits(self.penalty.load(Relaxed)).requests(now);
        Load { requests: penalty + u64::from(self.in_flight.load(Relaxed)), weight }
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

/// Without the usual port, and without anybody's name.
fn host(authority: Option<&Authority>) -> HeaderValue {
    let host = |authority: &Authority| match authority.port_u16() {
        None | Some(80) => authority.host().parse().ok(),
        Some(port) => format!("{}:{port}", authority.host()).parse().ok(),
    };
    authority.and_then(host).unwrap_or(HeaderValue::from_static(""))
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
    fn an_instance_is_called_by_its_host_and_an_unusual_port() {
        for (base, host) in [
            ("http://prefs:3003/below", "prefs:3003"),
            ("http://a:b@prefs:80", "prefs"),
            ("http://[::1]:3003", "[::1]:3003"),
            ("nowhere at all", ""),
        ] {
            assert_eq!(Instance::new(base, false).host, host);
        }
    }

    #[test]
    fn two_missed_checks_take_it_out_and_one_brings_it_back() {
        let instance = Instance::new("http://a", false);
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
        let instance = Instance::new("http://a", false);
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
        let instance = Instance::new("http://a", false);
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
        let instance = Arc::new(Instance::new("http://a", false));
        let chosen = Chosen::new(&instance, 0, Standing::In);
        assert_eq!(instance.load(0, 1).requests, 1);
        drop(chosen);
        assert_eq!(instance.load(0, 1).requests, 0);
    }
}
