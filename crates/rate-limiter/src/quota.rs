use std::time::Duration;

/// How many requests in how much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// At least one.
    requests: u32,
    period: Duration,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may go on; only then it was counted.
    pub allowed: bool,
    /// How many more may follow at once.
    pub remaining: u32,
    /// How long until one more may than now.
    pub reset: Duration,
    /// How long to wait before the next try; zero for what is allowed.
    pub retry_after: Duration,
}

impl Quota {
    /// So many requests a minute; none at all is taken for one.
    #[must_use]
    pub const fn per_minute(requests: u32) -> Self {
        Self { requests: if requests == 0 { 1 } else { requests }, period: Duration::from_secs(60) }
    }

    /// How many.
    #[must_use]
    pub const fn requests(self) -> u32 {
        self.requests
    }

    /// In how much time.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// After how much time one request is forgotten, microseconds.
    pub(crate) fn interval(self) -> u64 {
        (micros(self.period) / u64::from(self.requests)).max(1)
    }

    /// How far ahead of the clock the count may be: all requests at once, microseconds.
    pub(crate) fn tolerance(self) -> u64 {
        self.interval() * u64::from(self.requests)
    }

    /// What became of a request, from how far the count is ahead of the clock after it and,
    /// if it was refused, how long it would have had to wait (both in microseconds).
    pub(crate) fn decision(self, ahead: u64, wait: u64) -> Decision {
        let left = self.tolerance().saturating_sub(ahead);
        let remaining = u32::try_from(left / self.interval()).unwrap_or(u32::MAX);
        let reset = self.interval() - left % self.interval();
        Decision {
            allowed: wait == 0,
            remaining: if wait == 0 { remaining } else { 0 },
            reset: Duration::from_micros(if wait == 0 { reset } else { wait }),
            retry_after: Duration::from_micros(wait),
        }
    }

    /// The law, as the script in Redis has it too: the count after a request at `now`, or how
    /// long that must wait. All in microseconds.
    pub(crate) fn count(self, count: u64, now: u64) -> Result<u64, u64> {
        let next = count.max(now) + self.interval();
        match next.saturating_sub(self.tolerance() + now) {
            0 => Ok(next),
            wait => Err(wait),
        }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_whole_quota_goes_at_once_and_then_one_each_interval() {
        let (quota, mut count) = (Quota::per_minute(30), 0);
        for _ in 0..30 {
            count = quota.count(count, 1_000).unwrap();
        }
        assert_eq!(quota.count(count, 1_000), Err(2_000_000));
        assert_eq!(quota.count(count, 1_001_000), Err(1_000_000));
        assert!(quota.count(count, 2_001_000).is_ok());
    }

    #[test]
    fn a_decision_says_what_is_left_and_when_there_is_more() {
        let quota = Quota::per_minute(30);
        let first = quota.decision(2_000_000, 0);
        assert_eq!((first.allowed, first.remaining), (true, 29));
        assert_eq!(first.reset, Duration::from_secs(2));
        assert_eq!(quota.decision(60_000_000, 0).remaining, 0);
        let refused = quota.decision(60_000_000, 700_000);
        assert_eq!((refused.allowed, refused.remaining), (false, 0));
        assert_eq!(refused.retry_after, Duration::from_millis(700));
        assert_eq!(refused.reset, refused.retry_after, "nobody is told to come before there is more");
    }

    proptest! {
        /// In any stretch of any history no more pass than the quota and what the time brings.
        #[test]
        fn never_more_than_the_quota_and_what_the_time_brings(
            requests in 1_u32..50,
            pauses in prop::collection::vec(0_u64..5_000_000, 1..200),
        ) {
            let quota = Quota::per_minute(requests);
            let (mut count, mut now, mut passed) = (0, 1, Vec::new());
            for pause in pauses {
                now += pause;
                if let Ok(next) = quota.count(count, now) {
                    count = next;
                    passed.push(now);
                }
            }
            for (first, since) in passed.iter().enumerate() {
                for (last, until) in passed.iter().enumerate().skip(first) {
                    let most = u64::from(requests) + (until - since) / quota.interval();
                    prop_assert!(u64::try_from(last - first + 1).unwrap() <= most);
                }
            }
        }

        /// Waiting as long as was said is enough, and a moment less is not.
        #[test]
        fn the_wait_is_exact(requests in 1_u32..1000, count in 0_u64..200_000_000, now in 0_u64..100_000_000) {
            let quota = Quota::per_minute(requests);
            if let Err(wait) = quota.count(count, now) {
                prop_assert!(quota.count(count, now + wait).is_ok());
                prop_assert!(quota.count(count, now + wait - 1).is_err());
            }
        }
    }
}
