//! Counts the statements that this process sends by diesel.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

static SENT: AtomicU32 = AtomicU32::new(0);

struct Count;

impl Instrumentation for Count {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { .. } = event {
            SENT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Counts those of all connections that are made from now on.
pub(super) fn count_all() -> anyhow::Result<()> {
    Ok(set_default_instrumentation(|| Some(Box::new(Count)))?)
}

/// How many were sent so far.
pub(super) fn sent() -> u32 {
    SENT.load(Ordering::Relaxed)
}
