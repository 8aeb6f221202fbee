use std::time::Duration;

use ids::Timestamp;

/// How long a new key is published before it signs: twice as long as verifiers keep
/// a key set without a look at ours.
const NOTICE: Duration = Duration::from_secs(10 * 60);

/// How long a replaced key stays published: longer than any token lives.
const AFTERLIFE: Duration = Duration::from_secs(20 * 60);

/// When a key is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyTimes {
    pub(crate) created_at: Timestamp,
    pub(crate) activates_at: Timestamp,
    pub(crate) retires_at: Option<Timestamp>,
}

/// What a key is at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Published, not signing yet.
    Next,
    /// Published; signs, unless a later one does.
    Active,
    /// Forgotten.
    Retired,
}

impl KeyTimes {
    pub(crate) fn state(&self, now: Timestamp) -> State {
        match self.retires_at {
            Some(at) if at <= now => State::Retired,
            _ if self.activates_at <= now => State::Active,
            _ => State::Next,
        }
    }
}

/// The times of the very first key: nobody has fetched anything yet.
pub(crate) fn first(now: Timestamp) -> KeyTimes {
    KeyTimes { created_at: now, activates_at: now, retires_at: None }
}

/// The times of a new key, and when those before it retire. With `at_once` (a key
/// was stolen) there is no notice and no afterlife.
pub(crate) fn rotate(at_once: bool, now: Timestamp) -> (KeyTimes, Timestamp) {
    let activates_at = if at_once { now } else { now + NOTICE };
    let retire = if at_once { now } else { activates_at + AFTERLIFE };
    (KeyTimes { created_at: now, activates_at, retires_at: None }, retire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_instant_of_a_rotation_one_key_signs_and_it_was_published_before() {
        let start = Timestamp::now();
        let old = first(start);
        let (new, retire) = rotate(false, start + Duration::from_secs(3600));
        let old = KeyTimes { retires_at: Some(retire), ..old };
        let mut published = Vec::new();
        for minute in 0..200 {
            let now = start + Duration::from_secs(60 * minute);
            let states =
                [old, new].map(|key| if key.created_at <= now { key.state(now) } else { State::Retired });
            let signing = [1, 0].into_iter().find(|at| states[*at] == State::Active).expect("one signs");
            if minute >= 5 {
                assert!(published.contains(&(minute - 5, signing)), "five minutes before, it was published");
            }
            let there = (0..2).filter(|at| states[*at] != State::Retired);
            published.extend(there.map(|at| (minute, at)));
        }
    }

    #[test]
    fn a_stolen_key_is_forgotten_at_once() {
        let now = Timestamp::now();
        let (new, retire) = rotate(true, now);
        assert_eq!(new.state(now), State::Active);
        assert_eq!(KeyTimes { retires_at: Some(retire), ..first(now) }.state(now), State::Retired);
    }
}
