use std::time::Duration;

use ids::Timestamp;

const DAY: u64 = 24 * 60 * 60;

/// How long an account can be restored whose user wants it gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grace(Duration);

impl Grace {
    /// So many days; none: an account goes at once.
    pub(crate) const fn days(days: u64) -> Self {
        Self(Duration::from_secs(days * DAY))
    }

    /// When an account goes whose user wants it gone now, in whole seconds; `None`: at once.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        let end = now + self.0;
        (!self.0.is_zero()).then(|| Timestamp::from_unix_seconds(end.unix_seconds()).unwrap_or(end))
    }
}

/// What a job finds that was made to delete an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The account was restored since, or is to go at another time, for which there is
    /// another job.
    Void,
    /// The database's clock, by which jobs are due, is ahead of ours by so much.
    Early(Duration),
    /// The account goes.
    Due,
}

/// Judges a job that was made for `at`, about an account that is to go at `delete_at`, if it
/// is to go.
pub(super) fn judge(delete_at: Option<Timestamp>, at: Timestamp, now: Timestamp) -> Verdict {
    match at.since(now) {
        _ if delete_at != Some(at) => Verdict::Void,
        Duration::ZERO => Verdict::Due,
        early => Verdict::Early(early),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_grace_is_whole_days_and_none_is_at_once() {
        let now = Timestamp::from_unix_micros(1_000_000_900_000).unwrap();
        assert_eq!(Grace::days(0).end(now), None);
        let end = Grace::days(14).end(now).unwrap();
        assert_eq!(end, Timestamp::from_unix_seconds(1_000_000 + 14 * 86_400).unwrap(), "no job reads less");
    }

    #[test]
    fn only_the_job_of_the_newest_wish_acts_and_never_early() {
        let now = Timestamp::now();
        let (before, after) = (now - Duration::from_secs(1), now + Duration::from_secs(5));
        assert_eq!(judge(None, before, now), Verdict::Void, "restored");
        assert_eq!(judge(Some(after), before, now), Verdict::Void, "restored, and asked for again");
        assert_eq!(judge(Some(before), after, now), Verdict::Void);
        assert_eq!(judge(Some(after), after, now), Verdict::Early(Duration::from_secs(5)));
        assert_eq!(judge(Some(before), before, now), Verdict::Due);
        assert_eq!(judge(Some(now), now, now), Verdict::Due);
    }
}
