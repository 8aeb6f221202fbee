use std::time::Duration;

use observability::Metrics;
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntGaugeVec, Opts};

use crate::Count;

/// Bounds of waits and runs, seconds: 5 ms to 10 min.
const SECONDS: [f64; 12] = [0.005, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0];

/// What Prometheus reads about jobs.
#[derive(Clone, Debug)]
pub struct JobMetrics {
    depth: IntGaugeVec,
    age: GaugeVec,
    waited: HistogramVec,
    took: HistogramVec,
}

impl JobMetrics {
    /// Adds them to a process's metrics.
    ///
    /// # Errors
    /// When they are there already.
    pub fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let histogram = |name: &str, help: &str, labels: &[&str]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()), labels)
        };
        let all = Self {
            depth: IntGaugeVec::new(
                Opts::new("jobs_count", "How many jobs are in a state."),
                &["kind", "state"],
            )?,
            age: GaugeVec::new(
                Opts::new("jobs_oldest_seconds", "How long the oldest job of a state has been due."),
                &["kind", "state"],
            )?,
            waited: histogram("jobs_wait_seconds", "From due to begun.", &["kind"])?,
            took: histogram(
                "jobs_duration_seconds",
                "How long attempts took, by their end.",
                &["kind", "ending"],
            )?,
        };
        metrics.add(all.depth.clone())?;
        metrics.add(all.age.clone())?;
        metrics.add(all.waited.clone())?;
        metrics.add(all.took.clone())?;
        Ok(all)
    }

    pub(crate) fn begun(&self, kind: &str, waited: f64) {
        self.waited.with_label_values(&[kind]).observe(waited);
    }

    pub(crate) fn ended(&self, kind: &str, ending: &str, took: Duration) {
        self.took.with_label_values(&[kind, ending]).observe(took.as_secs_f64());
    }

    /// What is not in `counts` has none any more.
    pub(crate) fn counted(&self, counts: &[Count]) {
        self.depth.reset();
        self.age.reset();
        for count in counts {
            let labels = [count.kind.as_str(), count.state.as_str()];
            self.depth.with_label_values(&labels).set(count.count);
            self.age.with_label_values(&labels).set(count.oldest_seconds);
        }
    }
}
