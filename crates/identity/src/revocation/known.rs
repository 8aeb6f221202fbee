use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::Revocation;

/// How long a revocation is remembered: longer than any token that it voids lives
/// (15 minutes, RFC 9068 profile of auth), and the leeway of clocks.
const REMEMBERED: Duration = Duration::from_secs(20 * 60);

/// The revocations that matter still, by subject.
#[derive(Debug, Default)]
pub(super) struct Known {
    voids: HashMap<String, Void>,
}

#[derive(Clone, Copy, Debug)]
struct Void {
    /// Below which version; `None`: every version.
    below: Option<i64>,
    heard: Instant,
}

impl Known {
    /// Takes note of a revocation; whether it voids more than was known.
    pub(super) fn hear(&mut self, revocation: Revocation, now: Instant) -> bool {
        let Revocation { subject, version } = revocation;
        let Some(void) = self.voids.get_mut(&subject) else {
            self.voids.insert(subject, Void { below: version, heard: now });
            return true;
        };
        let wider = match (void.below, version) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(known), Some(heard)) => heard > known,
        };
        void.heard = now;
        if wider {
            void.below = version;
        }
        wider
    }

    /// Whether tokens of `subject` that carry this version are void.
    pub(super) fn voids(&self, subject: &str, version: i64) -> bool {
        self.voids.get(subject).is_some_and(|void| void.below.is_none_or(|below| version < below))
    }

    /// Whether all tokens of `subject` are void, whatever their version.
    pub(super) fn voids_whole(&self, subject: &str) -> bool {
        self.voids.get(subject).is_some_and(|void| void.below.is_none())
    }

    /// Forgets what no living token can be meant by.
    pub(super) fn forget_old(&mut self, now: Instant) {
        self.voids.retain(|_, void| now.saturating_duration_since(void.heard) < REMEMBERED);
    }

    pub(super) fn len(&self) -> usize {
        self.voids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn revocation(version: Option<i64>) -> Revocation {
        Revocation { subject: "usr_1".to_owned(), version }
    }

    #[test]
    fn a_version_voids_those_below_and_none_voids_all() {
        let (mut known, now) = (Known::default(), Instant::now());
        assert!(!known.voids("usr_1", 0));
        assert!(known.hear(revocation(Some(3)), now));
        assert!(known.voids("usr_1", 2) && !known.voids("usr_1", 3) && !known.voids("usr_2", 2));
        assert!(!known.voids_whole("usr_1") && !known.voids_whole("usr_2"));
        assert!(known.hear(revocation(None), now));
        assert!(known.voids("usr_1", i64::MAX) && known.voids_whole("usr_1"));
    }

    #[test]
    fn it_is_forgotten_when_no_token_can_be_left_and_not_before() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.hear(revocation(None), now);
        known.forget_old(now + REMEMBERED - Duration::from_secs(1));
        assert!(known.voids("usr_1", 1));
        known.forget_old(now + REMEMBERED);
        assert_eq!(known.len(), 0);
    }

    proptest! {
        /// Heard twice and in any order, the sum is the same: the widest.
        #[test]
        fn neither_order_nor_repetition_matters(
            heard in prop::collection::vec(prop::option::of(0_i64..5), 1..8), version in 0_i64..6,
        ) {
            let (mut known, now) = (Known::default(), Instant::now());
            for version in heard.iter().chain(&heard) {
                known.hear(revocation(*version), now);
            }
            let wanted = heard.iter().any(|below| below.is_none_or(|below| version < below));
            prop_assert_eq!(known.voids("usr_1", version), wanted);
        }
    }
}
