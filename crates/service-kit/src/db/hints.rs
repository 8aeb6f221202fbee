use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The least time between two hints of one process.
const PAUSE: Duration = Duration::from_millis(10);

/// Hints for those who poll, by NOTIFY. It makes commits take turns (one lock for the
/// whole server), so it is given seldom: who had a hint looks again for a while, and
/// whoever missed one finds everything by polling.
#[derive(Debug)]
pub struct Hints {
    channel: &'static str,
    beginning: LazyLock<Instant>,
    /// Microseconds from the beginning until the next hint is due.
    next: AtomicU64,
}

impl Hints {
    /// Hints on `channel`, which is a plain name.
    #[must_use]
    pub const fn on(channel: &'static str) -> Self {
        Self { channel, beginning: LazyLock::new(Instant::now), next: AtomicU64::new(0) }
    }

    /// The channel.
    #[must_use]
    pub const fn channel(&self) -> &'static str {
        self.channel
    }

    /// Whether a hint is due; says so to one caller only.
    pub fn is_due(&self) -> bool {
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let (now, next) = (micros(self.beginning.elapsed()), self.next.load(Ordering::Relaxed));
        let then = now.saturating_add(micros(PAUSE));
        now >= next && self.next.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hint_is_due_again_after_a_while() {
        let hints = Hints::on("test");
        assert!(hints.is_due());
        tokio::time::sleep(2 * PAUSE).await;
        assert!(hints.is_due());
    }
}
