use std::{fmt::Write, time::Duration};

use crate::{Count, Policy, Quota};

/// The header that tells the policies (draft-ietf-httpapi-ratelimit-headers-10, section 3).
pub const POLICY_HEADER: &str = "ratelimit-policy";

/// The header that tells how they stand (section 4 there).
pub const STATE_HEADER: &str = "ratelimit";

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may go on.
    pub verdict: Verdict,
    /// How each policy stands after it, in the order in which they were asked about.
    pub standings: Vec<Standing>,
}

/// Whether a request may go on. Only one that may was counted, and then by every policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It is one too many for one policy at least.
    TooMany,
    /// Redis is away, and a policy counts nowhere else.
    Uncounted,
}

/// How a policy stands for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub policy: Policy,
    /// How many more may follow at once.
    pub remaining: u32,
    /// How long until one more may than now, zero where all may; until the request may, if it
    /// was refused.
    pub reset: Duration,
    /// How long this request has to wait; zero where nothing is against it.
    pub retry_after: Duration,
}

/// What is known of a count, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// How far it is ahead of the clock.
    pub(crate) ahead: u64,
    /// How long the request would have to wait.
    pub(crate) wait: u64,
}

impl Told {
    /// Whether none is against the request.
    pub(crate) fn allow(told: &[Self]) -> bool {
        told.iter().all(|told| told.wait == 0)
    }
}

impl Decision {
    /// By what was told of each count; `quota` says which part of its policy's held.
    pub(crate) fn of(counts: &[Count], told: &[Told], quota: impl Fn(&Count) -> Quota) -> Self {
        let standing = |(count, told): (&Count, &Told)| Standing::new(&count.policy, quota(count), *told);
        let verdict = if Told::allow(told) { Verdict::Allowed } else { Verdict::TooMany };
        Self { verdict, standings: counts.iter().zip(told).map(standing).collect() }
    }

    pub(crate) const fn uncounted() -> Self {
        Self { verdict: Verdict::Uncounted, standings: Vec::new() }
    }

    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }

    /// How long to wait before the next try; zero for what is allowed.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self.verdict {
            Verdict::Uncounted => Duration::from_secs(1),
            _ => self.standings.iter().map(|standing| standing.retry_after).max().unwrap_or_default(),
        }
    }

    /// The policy that is against it for longest.
    #[must_use]
    pub fn refused_by(&self) -> Option<&Policy> {
        let against = self.standings.iter().filter(|standing| !standing.retry_after.is_zero());
        against.max_by_key(|standing| standing.retry_after).map(|standing| &standing.policy)
    }

    /// The value of [`POLICY_HEADER`]: `"user";q=100;w=60, "ip";q=20;w=1`.
    #[must_use]
    pub fn policies(&self) -> String {
        self.list(|item, standing| {
            let quota = standing.policy.quota();
            write!(item, "q={};w={}", quota.requests(), seconds(quota.period()))
        })
    }

    /// The value of [`STATE_HEADER`]: `"user";r=99;t=1, "ip";r=4;t=1`. A time is in whole seconds
    /// that are long enough.
    #[must_use]
    pub fn state(&self) -> String {
        self.list(|item, standing| write!(item, "r={};t={}", standing.remaining, seconds(standing.reset)))
    }

    fn list(&self, say: impl Fn(&mut String, &Standing) -> std::fmt::Result) -> String {
        let mut list = String::with_capacity(64);
        for standing in &self.standings {
            let comma = if list.is_empty() { "" } else { ", " };
            for part in [comma, "\"", standing.policy.name(), "\";"] {
                list.push_str(part);
            }
            // Tolerated: a string takes whatever is written.
            let _ = say(&mut list, standing);
        }
        list
    }
}

impl Standing {
    fn new(policy: &Policy, quota: Quota, told: Told) -> Self {
        let left = quota.tolerance().saturating_sub(told.ahead);
        let next = if told.ahead == 0 { 0 } else { quota.interval() - left % quota.interval() };
        Self {
            policy: policy.clone(),
            remaining: u32::try_from(left / quota.interval()).unwrap_or(u32::MAX),
            reset: Duration::from_micros(if told.wait == 0 { next } else { told.wait }),
            retry_after: Duration::from_micros(told.wait),
        }
    }
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(told: &[(u64, u64)]) -> Decision {
        let user = Policy::new("user", Quota::per_minute(30));
        let ip = Policy::new("ip", Quota::per_second(5));
        let told: Vec<_> = told.iter().map(|(ahead, wait)| Told { ahead: *ahead, wait: *wait }).collect();
        Decision::of(&[user.of("usr_1"), ip.of("192.0.2.1")], &told, |count| count.policy.quota())
    }

    #[test]
    fn it_says_what_is_left_and_when_there_is_more() {
        let allowed = decision(&[(2_000_000, 0), (1_000_000, 0)]);
        assert!(allowed.is_allowed() && allowed.retry_after().is_zero() && allowed.refused_by().is_none());
        let left: Vec<_> = allowed.standings.iter().map(|standing| standing.remaining).collect();
        assert_eq!(left, [29, 0]);
        assert_eq!(allowed.standings[0].reset, Duration::from_secs(2));
    }

    #[test]
    fn where_all_may_follow_nothing_is_waited_for() {
        let refused = decision(&[(0, 0), (1_000_000, 200_000)]);
        assert_eq!((refused.standings[0].remaining, refused.standings[0].reset), (30, Duration::ZERO));
    }

    #[test]
    fn a_refusal_names_who_refuses_and_nobody_is_told_to_come_before_that() {
        let refused = decision(&[(60_000_000, 1_200_000), (999_000, 199_000)]);
        assert_eq!(refused.verdict, Verdict::TooMany);
        assert_eq!(refused.refused_by().map(Policy::name), Some("user"));
        assert_eq!(refused.retry_after(), Duration::from_millis(1200));
        assert!(refused.standings.iter().all(|standing| standing.reset == standing.retry_after));
    }

    #[test]
    fn the_headers_are_lists_of_whole_seconds_that_are_long_enough() {
        let refused = decision(&[(60_000_000, 1_200_000), (400_000, 0)]);
        assert_eq!(refused.policies(), "\"user\";q=30;w=60, \"ip\";q=5;w=1");
        assert_eq!(refused.state(), "\"user\";r=0;t=2, \"ip\";r=3;t=1");
    }
}
