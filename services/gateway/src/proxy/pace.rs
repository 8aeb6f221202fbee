use std::time::Duration;

/// How long a body may be slow before its pace counts.
const PATIENCE: Duration = Duration::from_secs(10);

/// How fast one side gives or takes a body, counted while the other waited for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    least: u64,
    moved: u64,
    waited: Duration,
}

/// A side that is slower than is accepted: it would hold a connection for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body goes on too slowly")]
pub(super) struct TooSlow;

impl Pace {
    /// At least so many bytes a second; 0 accepts any pace.
    pub(super) const fn of(least: u64) -> Self {
        Self { least, moved: 0, waited: Duration::ZERO }
    }

    /// So many bytes went on after so long a wait.
    ///
    /// # Errors
    /// When all of it took too long for so little.
    pub(super) fn count(&mut self, bytes: usize, waited: Duration) -> Result<(), TooSlow> {
        self.moved = self.moved.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.waited += waited;
        let wanted = self.least.saturating_mul(self.waited.as_secs());
        if self.waited > PATIENCE && self.moved < wanted { Err(TooSlow) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn who_drips_is_cut_and_who_pauses_is_not() {
        let mut drips = Pace::of(100);
        let cut_after = (1..).find(|_| drips.count(1, seconds(1)).is_err()).unwrap();
        assert_eq!(cut_after, 11, "with some patience");
        let mut pauses = Pace::of(100);
        assert_eq!(pauses.count(50_000, seconds(1)), Ok(()));
        assert_eq!(pauses.count(1, seconds(300)), Ok(()));
        assert_eq!(pauses.count(1, seconds(300)), Err(TooSlow), "at last");
        let mut any = Pace::of(0);
        assert!((0..1000).all(|_| any.count(0, seconds(60)).is_ok()));
    }

    proptest! {
        /// Whoever keeps the pace is never cut, however it is cut into pieces.
        #[test]
        fn who_keeps_the_pace_is_never_cut(waits in prop::collection::vec(0_u64..20_000, 0..200), least in 0_u64..10_000) {
            let mut pace = Pace::of(least);
            for wait in waits {
                let bytes = usize::try_from(least * wait / 1000 + 1).unwrap();
                prop_assert_eq!(pace.count(bytes, Duration::from_millis(wait)), Ok(()));
            }
        }
    }
}
