//! What follows an attempt.

use std::time::Duration;

use crate::sending::Outcome;

/// The longest that an endpoint is left alone because it wants to.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is there.
    Delivered,
    /// It is sent again, not before that.
    Again(Duration),
    /// It was sent often enough.
    Failed,
    /// The endpoint is gone for good, and gets nothing any more.
    Gone,
}

/// What follows an attempt, the last of so many, when `waits` lie between attempts. `chance` (0 to 1)
/// spreads them by a tenth to both sides, so that what failed together does not return together.
pub(super) fn next(outcome: &Outcome, attempts: usize, waits: &[Duration], chance: f64) -> Next {
    if outcome.is_delivered() {
        return Next::Delivered;
    }
    if outcome.status == Some(410) {
        return Next::Gone;
    }
    let Some(wait) = attempts.checked_sub(1).and_then(|place| waits.get(place)) else { return Next::Failed };
    let wait = wait.mul_f64(0.9 + chance.clamp(0.0, 1.0) / 5.0);
    let wanted = match outcome.status {
        Some(429 | 502 | 503 | 504) => outcome.retry_after.unwrap_or_default().min(LONGEST_WAIT),
        _ => Duration::ZERO,
    };
    Next::Again(wait.max(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WAITS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(300)];

    fn answered(status: i32, retry_after: Option<u64>) -> Outcome {
        let retry_after = retry_after.map(Duration::from_secs);
        Outcome { status: Some(status), retry_after, ..Outcome::default() }
    }

    fn seconds(next: Next) -> Option<u64> {
        match next {
            Next::Again(wait) => Some(wait.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn only_2xx_is_delivered_and_410_is_gone_for_good() {
        for (status, wanted) in [(200, Next::Delivered), (299, Next::Delivered), (410, Next::Gone)] {
            assert_eq!(next(&answered(status, None), 1, &WAITS, 0.5), wanted);
        }
        for status in [100, 199, 300, 302, 304, 400, 404, 429, 500, 503, 599] {
            assert!(seconds(next(&answered(status, None), 1, &WAITS, 0.5)).is_some(), "{status}");
        }
        let silent = Outcome { error: Some("timed_out"), ..Outcome::default() };
        assert!(seconds(next(&silent, 1, &WAITS, 0.5)).is_some());
    }

    #[test]
    fn each_attempt_waits_as_the_schedule_says_and_the_last_has_failed() {
        let next = |attempts| next(&answered(500, None), attempts, &WAITS, 0.5);
        assert_eq!([next(1), next(2)].map(seconds), [Some(5), Some(300)]);
        assert_eq!(next(3), Next::Failed);
    }

    #[test]
    fn an_endpoint_that_wants_to_be_left_alone_is() {
        for (status, wanted) in [(429, 60), (502, 60), (503, 60), (504, 60), (500, 5), (404, 5)] {
            assert_eq!(seconds(next(&answered(status, Some(60)), 1, &WAITS, 0.5)), Some(wanted), "{status}");
        }
        assert_eq!(
            seconds(next(&answered(429, Some(1)), 1, &WAITS, 0.5)),
            Some(5),
            "not sooner than planned"
        );
        assert_eq!(seconds(next(&answered(429, Some(u64::MAX)), 1, &WAITS, 0.5)), Some(604_800));
    }

    proptest! {
        #[test]
        fn a_wait_is_spread_by_a_tenth(chance in -1.0_f64..2.0, attempts in 1_usize..3) {
            let Next::Again(wait) = next(&answered(500, None), attempts, &WAITS, chance) else {
                return Err(TestCaseError::fail("it is sent again"));
            };
            let planned = WAITS[attempts - 1].as_secs_f64();
            prop_assert!((0.899..=1.101).contains(&(wait.as_secs_f64() / planned)));
        }
    }
}
