use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Stops calling what keeps failing: after [`Breaker::LIMIT`] failures in a row it
/// refuses for [`Breaker::REST`], then lets one call through to find out.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    const LIMIT: u32 = 5;
    const REST: Duration = Duration::from_secs(1);

    /// Whether a call may go out at `now`. After the rest, one may, and the next
    /// only when that one has succeeded or another rest has passed.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.closed_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.closed_until = Some(now + Self::REST);
                true
            }
            None => true,
        }
    }

    /// Takes note of how a call that was admitted went.
    pub(crate) fn record(&self, succeeded: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if succeeded {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= Self::LIMIT {
            state.closed_until = Some(now + Self::REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_the_limit_and_then_lets_one_call_find_out() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..Breaker::LIMIT {
            assert!(breaker.admits(start));
            breaker.record(false, start);
        }
        assert!(!breaker.admits(start));
        let rested = start + Breaker::REST;
        assert!(breaker.admits(rested));
        assert!(!breaker.admits(rested), "only one may find out");
        breaker.record(true, rested);
        assert!(breaker.admits(rested) && breaker.admits(rested));
    }

    #[test]
    fn a_success_forgives() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..100 {
            breaker.record(false, now);
            breaker.record(true, now);
        }
        assert!(breaker.admits(now));
    }
}
