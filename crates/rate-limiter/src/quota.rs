use std::{fmt, str::FromStr, time::Duration};

/// The furthest that a count may be ahead of the clock, microseconds: ten years. Beyond that
/// the numbers of Redis' scripts were no longer exact.
const FURTHEST: u64 = 315_360_000_000_000;

/// How many requests in how much time, and how many of them at once.
///
/// As text `100/m`, or `100/m burst 20`; the units are `s`, `m`, `h` and `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// At least one.
    requests: u32,
    period: Duration,
    /// At least one.
    burst: u32,
}

impl Quota {
    /// So many requests in that time, all of which may come at once; none at all is taken for
    /// one.
    #[must_use]
    pub const fn new(requests: u32, period: Duration) -> Self {
        let requests = if requests == 0 { 1 } else { requests };
        Self { requests, period, burst: requests }
    }

    /// So many a second.
    #[must_use]
    pub const fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    /// So many a minute.
    #[must_use]
    pub const fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60))
    }

    /// So many an hour.
    #[must_use]
    pub const fn per_hour(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(3600))
    }

    /// The same, but so many at once at most.
    #[must_use]
    pub const fn with_burst(self, burst: u32) -> Self {
        Self { burst: if burst == 0 { 1 } else { burst }, ..self }
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

    /// How many at once.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// The part of one of so many replicas.
    pub(crate) fn shared_by(self, replicas: u32) -> Self {
        let replicas = replicas.max(1);
        let period = self.period.saturating_mul(replicas);
        Self { period, burst: (self.burst / replicas).max(1), ..self }
    }

    /// After how much time one request is forgotten, microseconds: rounded up, so that never
    /// more pass than were promised.
    pub(crate) fn interval(self) -> u64 {
        micros(self.period).div_ceil(u64::from(self.requests)).clamp(1, FURTHEST)
    }

    /// How far ahead of the clock the count may be: all that may come at once, microseconds.
    pub(crate) fn tolerance(self) -> u64 {
        self.weight(self.burst)
    }

    /// How far a request of this cost moves the count, microseconds.
    pub(crate) fn weight(self, cost: u32) -> u64 {
        let cost = u64::from(cost.clamp(1, self.burst));
        self.interval().saturating_mul(cost).min(FURTHEST)
    }

    /// The law, as the script in Redis has it too: the count after a request at `now`, or how
    /// long that must wait. All in microseconds.
    pub(crate) fn count(self, count: u64, now: u64, cost: u32) -> Result<u64, u64> {
        let next = count.max(now) + self.weight(cost);
        match next.saturating_sub(self.tolerance() + now) {
            0 => Ok(next),
            wait => Err(wait),
        }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A text that says no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAQuota;

impl fmt::Display for NotAQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quota such as `100/m` or `100/m burst 20` is wanted, by `s`, `m`, `h` or `d`")
    }
}

impl std::error::Error for NotAQuota {}

impl FromStr for Quota {
    type Err = NotAQuota;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (rate, burst) = match text.split_once(" burst ") {
            Some((rate, burst)) => (rate, Some(positive(burst)?)),
            None => (text, None),
        };
        let (requests, unit) = rate.split_once('/').ok_or(NotAQuota)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(NotAQuota),
        };
        let quota = Self::new(positive(requests)?, Duration::from_secs(seconds));
        Ok(burst.map_or(quota, |burst| quota.with_burst(burst)))
    }
}

fn positive(text: &str) -> Result<u32, NotAQuota> {
    text.trim().parse().ok().filter(|number| *number > 0).ok_or(NotAQuota)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_whole_quota_goes_at_once_and_then_one_each_interval() {
        let (quota, mut count) = (Quota::per_minute(30), 0);
        for _ in 0..30 {
            count = quota.count(count, 1_000, 1).unwrap();
        }
        assert_eq!(quota.count(count, 1_000, 1), Err(2_000_000));
        assert_eq!(quota.count(count, 1_001_000, 1), Err(1_000_000));
        assert!(quota.count(count, 2_001_000, 1).is_ok());
    }

    #[test]
    fn what_costs_more_waits_longer_and_what_costs_too_much_waits_for_all() {
        let quota = Quota::per_minute(30).with_burst(10);
        let count = quota.count(0, 0, 8).unwrap();
        assert!(quota.count(count, 0, 2).is_ok());
        assert_eq!(quota.count(count, 0, 5), Err(6_000_000));
        assert_eq!(quota.count(0, 0, 1000), Ok(quota.tolerance()));
        assert_eq!(quota.count(0, 0, 0), Ok(quota.interval()), "nothing is for nothing");
    }

    #[test]
    fn a_replicas_part_is_slower_and_smaller_but_never_nothing() {
        let part = Quota::per_minute(30).shared_by(3);
        assert_eq!((part.interval(), part.burst()), (6_000_000, 10));
        assert_eq!(Quota::per_minute(1).shared_by(5).burst(), 1);
        assert_eq!(Quota::per_minute(7).shared_by(0), Quota::per_minute(7));
    }

    #[test]
    fn a_quota_is_read_as_it_is_written() {
        assert_eq!("100/m".parse(), Ok(Quota::per_minute(100)));
        assert_eq!("10/s burst 20".parse(), Ok(Quota::per_second(10).with_burst(20)));
        assert_eq!(" 5 / h ".parse(), Ok(Quota::per_hour(5)));
        for wrong in ["", "100", "0/m", "-1/m", "100/w", "1/m burst", "1/m burst 0", "99999999999/s", "1.5/s"]
        {
            assert_eq!(wrong.parse::<Quota>(), Err(NotAQuota), "{wrong}");
        }
    }

    #[test]
    fn no_quota_is_beyond_what_a_script_can_count() {
        for quota in [
            Quota::new(1, Duration::MAX).with_burst(u32::MAX),
            Quota::new(u32::MAX, Duration::ZERO),
            Quota::new(u32::MAX, Duration::MAX),
        ] {
            assert!((1..=FURTHEST).contains(&quota.tolerance()), "{quota:?}");
            assert!((1..=FURTHEST).contains(&quota.shared_by(u32::MAX).tolerance()), "{quota:?}");
        }
    }

    proptest! {
        /// In any stretch of any history no more pass than the burst and what the time brings,
        /// whatever each costs.
        #[test]
        fn never_more_than_the_burst_and_what_the_time_brings(
            (requests, burst) in (1_u32..50, 1_u32..50),
            asked in prop::collection::vec((0_u64..5_000_000, 1_u32..8), 1..200),
        ) {
            let quota = Quota::per_minute(requests).with_burst(burst);
            let (mut count, mut now, mut passed) = (0, 1, Vec::new());
            for (pause, cost) in asked {
                now += pause;
                if let Ok(next) = quota.count(count, now, cost) {
                    count = next;
                    passed.push((now, u64::from(cost.min(burst))));
                }
            }
            for (first, (since, _)) in passed.iter().enumerate() {
                let mut sum = 0;
                for (until, cost) in &passed[first..] {
                    sum += cost;
                    prop_assert!(sum <= u64::from(burst) + (until - since) / quota.interval());
                }
            }
        }

        /// Waiting as long as was said is enough, and a moment less is not.
        #[test]
        fn the_wait_is_exact(
            requests in 1_u32..1000,
            cost in 1_u32..20,
            count in 0_u64..200_000_000,
            now in 0_u64..100_000_000,
        ) {
            let quota = Quota::per_minute(requests);
            if let Err(wait) = quota.count(count, now, cost) {
                prop_assert!(quota.count(count, now + wait, cost).is_ok());
                prop_assert!(quota.count(count, now + wait - 1, cost).is_err());
            }
        }
    }
}
