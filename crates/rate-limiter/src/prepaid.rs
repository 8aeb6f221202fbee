use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use quick_cache::sync::Cache;

use crate::{Count, Policy, decision::Told, quota::micros};

/// How long what was counted beforehand may be used; what is left of it when more is asked for
/// holds on with that, once more as long. So much later than it was counted a request may pass,
/// at most: over any time, what passes is what that much more time brings.
const HOLDS: Duration = Duration::from_millis(50);

/// The most requests that are counted beforehand.
const MOST: u32 = 256;

/// Of what is left of a quota, one in so many: what one process holds is never missed by others,
/// and the last ones are counted one by one.
const PART: u64 = 16;

/// How many callers are known; others are counted one by one.
const CAPACITY: usize = 50_000;

/// Requests that Redis has counted before they came: a busy caller asks it once for several.
/// Nothing passes that was not counted; what is counted and does not come is lost to its caller,
/// which is why only those who come fast get more than one at a time, and no more than the quota
/// brings while they hold: of a burst nothing is ever lost, and of a small quota nothing at all.
#[derive(Debug)]
pub(crate) struct Prepaid {
    callers: Cache<String, Arc<Mutex<Held>>>,
}

/// What is held for one caller, by the same counts at the same cost.
#[derive(Debug, Default)]
struct Held {
    /// How many may still pass.
    left: u32,
    /// Until when, microseconds.
    until: u64,
    /// How many were taken last time.
    size: u32,
    /// What Redis said then, and when that was.
    told: Vec<Told>,
    at: u64,
    /// Whether somebody asks for more.
    is_asking: bool,
}

/// What is to be done about a request.
pub(crate) enum Turn {
    /// It was counted: this is what is known.
    Paid(Vec<Told>),
    /// Redis is to count so many.
    Ask(Asking),
}

/// Whoever asks Redis; dropped without an answer, the next one asks.
pub(crate) struct Asking {
    /// How many are to be counted, itself among them.
    pub(crate) requests: u32,
    /// Of one who only asks for itself there is nothing to keep.
    held: Option<Arc<Mutex<Held>>>,
}

impl Default for Prepaid {
    fn default() -> Self {
        Self { callers: Cache::new(CAPACITY) }
    }
}

impl Prepaid {
    /// Takes one that was counted, if there is one; `now` in microseconds.
    pub(crate) fn take(&self, counts: &[Count], now: u64) -> Turn {
        // What may be guessed at is counted when it comes.
        if counts.is_empty() || counts.iter().map(Count::policy).any(Policy::fails_closed) {
            return Turn::Ask(Asking { requests: 1, held: None });
        }
        let caller = caller(counts);
        let held = self.callers.get_or_insert_with(&caller, || Ok::<_, Infallible>(Arc::default()));
        let held = held.unwrap_or_else(|never| match never {});
        let turn = lock(&held).take(counts, now);
        match turn {
            Ok(told) => Turn::Paid(told),
            Err(Some(requests)) => Turn::Ask(Asking { requests, held: Some(held) }),
            Err(None) => Turn::Ask(Asking { requests: 1, held: None }),
        }
    }
}

/// Its counts, in words.
fn caller(counts: &[Count]) -> String {
    let mut caller = String::with_capacity(96);
    for count in counts {
        let cost = count.cost.to_string();
        for part in [count.policy.name(), "\0", &count.key, "\0", &cost, "\0"] {
            caller.push_str(part);
        }
    }
    caller
}

impl Held {
    /// One of those that are held; else how many are to be asked for, or none where somebody
    /// else asks for more.
    fn take(&mut self, counts: &[Count], now: u64) -> Result<Vec<Told>, Option<u32>> {
        if now >= self.until {
            // Whoever comes slower than that gets fewer.
            self.size = self.size.saturating_sub(self.left) / 2;
            self.left = 0;
        }
        // The first of the last ones asks for more, so that nobody waits for it.
        if self.left <= self.size / 4 && !self.is_asking {
            self.is_asking = true;
            return Err(Some(self.next(counts, now)));
        }
        self.one(counts, now).ok_or(None)
    }

    /// One of those that are held.
    fn one(&mut self, counts: &[Count], now: u64) -> Option<Vec<Told>> {
        if now >= self.until {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(self.known(counts, now))
    }

    /// Twice as many as last time, as far as no quota feels it.
    fn next(&self, counts: &[Count], now: u64) -> u32 {
        let part = |(count, told): (&Count, &Told)| {
            let quota = count.policy.quota();
            let ahead = told.ahead.saturating_sub(now.saturating_sub(self.at));
            let weight = quota.weight(count.cost);
            (quota.tolerance().saturating_sub(ahead) / weight / PART).min(micros(HOLDS) / weight)
        };
        let part = counts.iter().zip(&self.told).map(part).min().unwrap_or_default();
        let part = u32::try_from(part).unwrap_or(u32::MAX);
        self.size.saturating_mul(2).min(MOST).min(part).max(1)
    }

    /// How the counts would stand, had only those been counted that came.
    fn known(&self, counts: &[Count], now: u64) -> Vec<Told> {
        let known = |(count, told): (&Count, &Told)| {
            let unused = count.policy.quota().weight(count.cost).saturating_mul(u64::from(self.left));
            let past = unused.saturating_add(now.saturating_sub(self.at));
            Told { ahead: told.ahead.saturating_sub(past), wait: 0 }
        };
        counts.iter().zip(&self.told).map(known).collect()
    }
}

impl Asking {
    /// Keeps what Redis has counted beyond the request itself, when it was asked at `asked`.
    /// Gives how the counts stand for the request.
    pub(crate) fn answered(&self, counts: &[Count], asked: u64, told: Vec<Told>) -> Vec<Told> {
        let Some(held) = &self.held else { return told };
        let mut held = lock(held);
        held.left += self.requests - 1;
        (held.size, held.until) = (self.requests, asked + micros(HOLDS));
        (held.told, held.at) = (told, asked);
        held.known(counts, asked)
    }

    /// One of those that are held still, for a request that Redis does not let pass.
    pub(crate) fn instead(&self, counts: &[Count], now: u64) -> Option<Vec<Told>> {
        lock(self.held.as_ref()?).one(counts, now)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            lock(held).is_asking = false;
        }
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quota;
    use proptest::prelude::*;

    /// A Redis of one key, and whoever asks it beforehand.
    #[derive(Default)]
    struct Model {
        prepaid: Prepaid,
        count: u64,
        asked: usize,
    }

    impl Model {
        /// Whether a request passes that comes at this time.
        fn passes(&mut self, counts: &[Count], now: u64) -> bool {
            let asking = match self.prepaid.take(counts, now) {
                Turn::Paid(told) => return Told::allow(&told),
                Turn::Ask(asking) => asking,
            };
            self.asked += 1;
            let is_counted = self.counts(counts, now, asking.requests);
            if is_counted {
                let told = vec![Told { ahead: self.count - now, wait: 0 }];
                asking.answered(counts, now, told);
            }
            is_counted
                || (asking.requests > 1 && self.counts(counts, now, 1))
                || asking.instead(counts, now).is_some()
        }

        fn counts(&mut self, counts: &[Count], now: u64, requests: u32) -> bool {
            let next = counts[0].policy().quota().count(self.count, now, requests);
            self.count = next.unwrap_or(self.count);
            next.is_ok()
        }
    }

    fn counts(quota: Quota) -> [Count; 1] {
        [Policy::new("test", quota).of("key")]
    }

    #[test]
    fn who_comes_fast_asks_seldom_and_who_comes_slowly_each_time() {
        let counts = counts(Quota::per_minute(60_000));
        let mut fast = Model::default();
        assert!((0..10_000).all(|number| fast.passes(&counts, number * 20)));
        assert!(fast.asked < 10_000 / 30, "{} times", fast.asked);
        let mut slow = Model::default();
        assert!((0..100).all(|number| slow.passes(&counts, number * 60_000)));
        assert_eq!(slow.asked, 100);
        assert_eq!(slow.count, 99 * 60_000 + 1000, "and nothing was counted that did not come");
    }

    #[test]
    fn of_a_small_quota_each_is_counted_when_it_comes() {
        // The fastest that brings no two requests while they would hold.
        let (counts, mut model) = (counts(Quota::per_minute(2_399)), Model::default());
        assert_eq!((0..3_000).filter(|_| model.passes(&counts, 1)).count(), 2_399);
        assert_eq!(model.asked, 3_000);
    }

    #[test]
    fn what_must_not_be_guessed_at_is_never_counted_beforehand() {
        let policy = Policy::new("login", Quota::per_second(60_000)).failing_closed();
        let (counts, mut model) = ([policy.of("key")], Model::default());
        assert!((0..100).all(|_| model.passes(&counts, 1)));
        assert_eq!(model.asked, 100);
    }

    #[test]
    fn while_one_asks_for_more_others_ask_for_themselves_and_after_it_is_gone_the_next_does() {
        let (counts, mut model) = (counts(Quota::per_minute(60_000)), Model::default());
        assert!((0..3).all(|_| model.passes(&counts, 1)));
        let asked = |model: &Model| match model.prepaid.take(&counts, 1) {
            Turn::Ask(asking) => asking,
            Turn::Paid(_) => panic!("nothing is held"),
        };
        let first = asked(&model);
        assert_eq!((first.requests, asked(&model).requests), (4, 1));
        drop(first);
        assert_eq!(asked(&model).requests, 4);
    }

    #[test]
    fn a_caller_sees_what_is_left_as_if_each_were_counted_when_it_comes() {
        let (counts, prepaid) = (counts(Quota::per_minute(60_000)), Prepaid::default());
        let (interval, mut count) = (1_000, 0);
        for number in 1..=50 {
            let told = match prepaid.take(&counts, 0) {
                Turn::Paid(told) => told,
                Turn::Ask(asking) => {
                    count += interval * u64::from(asking.requests);
                    asking.answered(&counts, 0, vec![Told { ahead: count, wait: 0 }])
                }
            };
            assert_eq!(told[0].ahead, interval * number);
        }
    }

    proptest! {
        /// However they come, in gushes with pauses, no caller loses anything of the burst.
        #[test]
        fn the_whole_burst_passes(
            (requests, burst) in (1_u32..1_000_000, 1_u32..3_000),
            gushes in prop::collection::vec(1_u32..100, 1..50),
        ) {
            let counts = counts(Quota::per_minute(requests).with_burst(burst));
            let (mut model, mut now) = (Model::default(), 1);
            let ends: Vec<u32> = gushes.iter().scan(0, |sum, gush| { *sum += gush; Some(*sum) }).collect();
            for number in 1..=burst {
                prop_assert!(model.passes(&counts, now), "not number {number}");
                now += if ends.contains(&number) { micros(HOLDS) } else { 1 };
            }
        }

        /// Over any stretch no more pass than the burst and what the time brings, a moment longer
        /// than it is; and as long as all that were counted come, none is lost.
        #[test]
        fn never_more_than_the_quota_of_a_moment_more(
            (requests, burst) in (1_u32..100_000, 1_u32..3_000),
            pauses in prop::collection::vec(prop_oneof![0_u64..50, 0_u64..100_000], 1..400),
        ) {
            let quota = Quota::per_minute(requests).with_burst(burst);
            let (counts, mut model, mut now, mut passed) = (counts(quota), Model::default(), 1, Vec::new());
            for pause in pauses {
                now += pause;
                if model.passes(&counts, now) {
                    passed.push(now);
                }
            }
            for (first, since) in passed.iter().enumerate() {
                for (number, until) in passed[first..].iter().enumerate() {
                    let time = until - since + micros(HOLDS);
                    let most = u64::from(burst) + time / quota.interval();
                    prop_assert!(u64::try_from(number + 1).unwrap() <= most);
                }
            }
        }
    }
}
