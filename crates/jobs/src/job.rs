use std::{error::Error, fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Effect, Run, effect::Boxed};

/// One kind of background work: its payload is the value itself.
///
/// A job lives in one file: name, payload, policy, handler. Its payload is stored, so
/// it evolves by addition only: new fields have defaults.
pub trait Job: Serialize + DeserializeOwned + 'static {
    /// What its handler needs: pools, clients.
    type State: Clone + 'static;

    /// Its name, for ever: `<service>.<verb>_<noun>`.
    const KIND: &'static str;

    /// How often and when it is tried.
    const POLICY: Policy = Policy::DEFAULT;

    /// The lane that it runs in, if it shall not run beside just any other.
    fn lane(&self) -> Option<Lane> {
        None
    }

    /// While a job of this kind with this key waits or runs, no other is enqueued.
    fn unique(&self) -> Option<String> {
        None
    }

    /// Does the work. It may be called again for the same job (a worker may die at any
    /// line), so effects belong into [`Run::finish`] or [`Run::checkpoint`].
    ///
    /// # Errors
    /// A [`Failure`]: any error means "try again later".
    fn run(self, run: Run, state: Self::State) -> impl Future<Output = Result<Done, Failure>>;
}

/// How often and when a kind of job is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How often at most; after that it is a dead letter.
    pub max_attempts: u16,
    /// The wait after the first failure; each further one doubles it.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// What goes first.
    pub priority: Priority,
    /// Whether it is in the history once it succeeded. What leaves a trace of its own may do without.
    pub is_kept: bool,
}

impl Policy {
    /// 20 attempts over about 11 hours: from 1 s to 2 h apart.
    pub const DEFAULT: Self = Self {
        max_attempts: 20,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(2 * 60 * 60),
        priority: Priority::Normal,
        is_kept: true,
    };

    /// The wait after the `attempt`th failure (from 1), drawn from the upper half of the
    /// span by `chance` (0 to 1), so that what failed together does not return together.
    #[must_use]
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let doubled =
            self.first_wait.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest_wait).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// What goes first. A lower priority waits as long as there is work of a higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Somebody is waiting for it.
    High,
    /// Most work.
    #[default]
    Normal,
    /// Whenever there is nothing else.
    Low,
}

impl Priority {
    pub(crate) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    pub(crate) const fn number(self) -> i16 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// Which jobs do not run beside each other, whatever worker has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its name; lanes are shared by all kinds of jobs of a service.
    pub key: String,
    /// How many run at once; `None`: one at a time, in the order of enqueueing, and one
    /// that waits for its next attempt holds up those behind it.
    pub width: Option<u16>,
}

impl Lane {
    /// One at a time, in the order of enqueueing.
    pub fn ordered(key: impl Into<String>) -> Self {
        Self { key: key.into(), width: None }
    }

    /// At most `width` at once, in no order.
    pub fn limited(key: impl Into<String>, width: u16) -> Self {
        Self { key: key.into(), width: Some(width.max(1)) }
    }
}

/// A job that did its work. Made by [`Run::done`], [`Run::done_with`] or [`Run::finish`].
#[derive(Debug)]
pub struct Done {
    /// Whether the database knows already.
    pub(crate) committed: bool,
    /// What is written with its end.
    pub(crate) effect: Option<Boxed>,
}

/// Why an attempt failed, and what to do about it. Every error turns into one that is
/// tried again.
#[derive(Debug)]
pub struct Failure {
    pub(crate) remedy: Remedy,
    pub(crate) cause: Box<dyn Error + Send + Sync>,
    /// What is written with the end of the attempt.
    pub(crate) effect: Option<Boxed>,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// As the policy says.
    Retry,
    /// No sooner than after this.
    RetryAfter(Duration),
    /// Trying again is no use.
    Discard,
    /// The lease is somebody else's: nothing may be written any more.
    Lost,
}

impl Failure {
    /// Trying again is no use: it becomes a dead letter at once.
    pub fn discard(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { remedy: Remedy::Discard, cause: cause.into(), effect: None }
    }

    /// It is to be tried again, not before `wait` is over (a `Retry-After`).
    pub fn retry_after(wait: Duration, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { remedy: Remedy::RetryAfter(wait), cause: cause.into(), effect: None }
    }

    /// Commits `effect` together with the end of the attempt, beside the effects of others.
    #[must_use]
    pub fn with(self, effect: impl Effect) -> Self {
        Self { effect: Some(Boxed::new(effect)), ..self }
    }

    pub(crate) fn lost() -> Self {
        let cause = "the lease is lost: another worker has the job".into();
        Self { remedy: Remedy::Lost, cause, effect: None }
    }

    /// The causes, the outermost first, cut to a length that a row may hold.
    pub(crate) fn told(&self) -> String {
        let mut text = self.cause.to_string();
        let mut cause = self.cause.source();
        while let Some(deeper) = cause {
            text = format!("{text}: {deeper}");
            cause = deeper.source();
        }
        // PostgreSQL's text holds no NUL.
        text.chars().filter(|c| *c != '\0').take(2000).collect()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(cause: E) -> Self {
        Self { remedy: Remedy::Retry, cause: Box::new(cause), effect: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_double_up_to_the_longest_and_are_spread(attempt in 1_u32..10_000, chance in 0.0_f64..1.0) {
            let policy = Policy::DEFAULT;
            let wait = policy.wait(attempt, chance);
            prop_assert!(wait <= policy.longest_wait);
            prop_assert!(wait >= policy.first_wait / 2);
            prop_assert!(policy.wait(attempt + 1, chance) >= wait);
            prop_assert!(policy.wait(attempt, 1.0) <= 2 * policy.wait(attempt, 0.0));
        }
    }

    #[test]
    fn the_first_waits_are_as_documented() {
        let most = |attempt| Policy::DEFAULT.wait(attempt, 1.0).as_secs();
        assert_eq!([most(1), most(2), most(3), most(13), most(14)], [1, 2, 4, 4096, 7200]);
    }

    #[test]
    fn a_failure_tells_its_causes() {
        let cause = std::io::Error::other("no\0 room");
        assert_eq!(Failure::from(cause).told(), "no room");
    }
}
