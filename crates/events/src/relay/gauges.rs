use observability::Metrics;
use prometheus::{Error, GaugeVec, IntCounterVec, IntGaugeVec, Opts};

use super::store::Lag;

/// What Prometheus reads of the relay, by subscriber.
#[derive(Clone, Debug)]
pub(super) struct Gauges {
    pending: IntGaugeVec,
    oldest: GaugeVec,
    told: IntCounterVec,
    failures: IntCounterVec,
}

impl Gauges {
    pub(super) fn new(metrics: &Metrics) -> Result<Self, Error> {
        let label = ["subscriber"];
        let pending = Opts::new("events_pending", "At most so many events wait for the subscriber.");
        let oldest = Opts::new("events_oldest_pending_seconds", "How long the next of them waits.");
        let told = Opts::new("events_told_total", "Events that the subscriber has taken, repeated ones too.");
        let failures = Opts::new("event_push_failures_total", "Pushes that the subscriber did not take.");
        let gauges = Self {
            pending: IntGaugeVec::new(pending, &label)?,
            oldest: GaugeVec::new(oldest, &label)?,
            told: IntCounterVec::new(told, &label)?,
            failures: IntCounterVec::new(failures, &label)?,
        };
        metrics.add(gauges.pending.clone())?;
        metrics.add(gauges.oldest.clone())?;
        metrics.add(gauges.told.clone())?;
        metrics.add(gauges.failures.clone())?;
        Ok(gauges)
    }

    pub(super) fn lag(&self, subscriber: &str, lag: &Lag) {
        self.pending.with_label_values(&[subscriber]).set(lag.events);
        self.oldest.with_label_values(&[subscriber]).set(lag.seconds);
    }

    pub(super) fn told(&self, subscriber: &str, events: usize) {
        let count = u64::try_from(events).unwrap_or(u64::MAX);
        self.told.with_label_values(&[subscriber]).inc_by(count);
        self.pending.with_label_values(&[subscriber]).sub(i64::try_from(events).unwrap_or(i64::MAX));
    }

    pub(super) fn failed(&self, subscriber: &str) {
        self.failures.with_label_values(&[subscriber]).inc();
    }

    /// Somebody else tells it now, and knows.
    pub(super) fn forget(&self, subscriber: &str) {
        // There may be none yet.
        let _ = self.pending.remove_label_values(&[subscriber]);
        let _ = self.oldest.remove_label_values(&[subscriber]);
    }
}
