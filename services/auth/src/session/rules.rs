use std::time::Duration;

use ids::Timestamp;

use super::RefreshToken;

/// How long after it was replaced a refresh token still gets its successor.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// An access token.
    pub(crate) access: Duration,
    /// A session that is not used.
    pub(crate) idle: Duration,
    /// A session, used or not.
    pub(crate) absolute: Duration,
}

/// The state of a session that a refresh looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionState {
    pub(crate) counter: i64,
    pub(crate) rotated_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) revoked: bool,
}

/// What a refresh token that is not the current one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Replaced just now: a race, not a theft. It gets the current successor.
    Grace,
    /// Replaced long ago: somebody has a copy. The session must end.
    Reused,
    /// The session is over.
    Over,
}

/// Judges a token that the rotation did not take.
pub(crate) fn judge(state: &SessionState, given: &RefreshToken, idle: Duration, now: Timestamp) -> Verdict {
    if is_over(state, idle, now) {
        return Verdict::Over;
    }
    // It was replaced no earlier than it was issued, and its successor was issued
    // when it was replaced.
    let just_issued = now.since(given.issued_at) <= GRACE;
    let just_replaced = given.counter + 1 == state.counter && now.since(state.rotated_at) <= GRACE;
    if given.counter < state.counter && (just_issued || just_replaced) {
        Verdict::Grace
    } else {
        Verdict::Reused
    }
}

/// Whether the session has ended: revoked, past its cap, or unused for too long.
pub(crate) fn is_over(state: &SessionState, idle: Duration, now: Timestamp) -> bool {
    state.revoked || now >= state.expires_at || now.since(state.rotated_at) >= idle
}

/// How long the session lasts from `now` on without being used.
pub(crate) fn remaining(expires_at: Timestamp, idle: Duration, now: Timestamp) -> Duration {
    expires_at.since(now).min(idle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::SessionId;
    use proptest::prelude::*;

    const IDLE: Duration = Duration::from_secs(3600);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn verdict(counter: i64, issued_ago: u64, given: i64, rotated_ago: u64) -> Verdict {
        let now = Timestamp::now();
        let state = SessionState {
            counter,
            rotated_at: now - seconds(rotated_ago),
            expires_at: now + seconds(60),
            revoked: false,
        };
        let token = RefreshToken {
            session: SessionId::generate(),
            counter: given,
            issued_at: now - seconds(issued_ago),
        };
        judge(&state, &token, IDLE, now)
    }

    #[test]
    fn a_race_gets_the_successor() {
        assert_eq!(verdict(1, 300, 0, 1), Verdict::Grace, "replaced a second ago");
        assert_eq!(verdict(5, 3, 2, 1), Verdict::Grace, "issued three seconds ago, rotated thrice since");
    }

    #[test]
    fn a_copy_used_later_ends_the_session() {
        assert_eq!(verdict(1, 300, 0, 11), Verdict::Reused);
        assert_eq!(verdict(2, 300, 0, 1), Verdict::Reused, "an old one beside a race of its successor");
        assert_eq!(verdict(1, 0, 2, 0), Verdict::Reused, "from the future: a restored backup, or a forgery");
    }

    proptest! {
        #[test]
        fn what_is_older_than_the_grace_time_never_passes(
            counter in 1_i64..100, back in 1_i64..100, issued in 11_u64..3000, rotated in 0_u64..3000,
        ) {
            let given = counter - back;
            let verdict = verdict(counter, issued, given, rotated);
            let one_back_just_now = back == 1 && rotated <= 10;
            prop_assert_eq!(verdict == Verdict::Grace, one_back_just_now);
        }
    }

    #[test]
    fn an_ended_session_is_over_whatever_is_presented() {
        let now = Timestamp::now();
        let good = SessionState { counter: 0, rotated_at: now, expires_at: now + seconds(1), revoked: false };
        assert!(!is_over(&good, IDLE, now));
        assert!(is_over(&SessionState { revoked: true, ..good }, IDLE, now));
        assert!(is_over(&SessionState { expires_at: now, ..good }, IDLE, now));
        assert!(is_over(&SessionState { rotated_at: now - IDLE, ..good }, IDLE, now));
    }
}
