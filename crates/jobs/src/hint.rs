//! NOTIFY makes commits take turns (one lock for the whole server), so it is a hint
//! that is given seldom: workers poll behind it.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The channel on which workers listen.
pub(crate) const CHANNEL: &str = "jobs";

/// The least time between two hints of one process. What is enqueued in between is
/// found because a worker that had a hint looks again for a while.
const PAUSE: Duration = Duration::from_millis(10);

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Microseconds from the beginning until the next hint is due.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Whether a hint is due; says so to one caller only.
pub(crate) fn is_due() -> bool {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let (now, next) = (micros(BEGINNING.elapsed()), NEXT.load(Ordering::Relaxed));
    let then = now.saturating_add(micros(PAUSE));
    now >= next && NEXT.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}
