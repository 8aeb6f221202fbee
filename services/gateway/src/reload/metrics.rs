use ids::Timestamp;
use observability::Metrics;
use prometheus::{IntCounterVec, IntGauge, Opts};

use super::Outcome;

/// What Prometheus reads of reloads.
#[derive(Debug)]
pub(super) struct Counted {
    reloads: IntCounterVec,
    is_current: IntGauge,
    applied_at: IntGauge,
}

impl Counted {
    /// # Errors
    /// When one of them is there already.
    pub(super) fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let options = Opts::new("gateway_config_reloads_total", "Reloads of the settings, by outcome.");
        let reloads = IntCounterVec::new(options, &["outcome"])?;
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            metrics.add(gauge.clone())?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let is_current =
            gauge("gateway_config_is_current", "Whether the settings in force are those of the file.")?;
        let applied_at = gauge(
            "gateway_config_applied_timestamp_seconds",
            "Since when the settings in force are in force, Unix time.",
        )?;
        metrics.add(reloads.clone())?;
        // So that each is there before it happens for the first time.
        for outcome in [Outcome::Applied, Outcome::Refused, Outcome::Unchanged] {
            reloads.with_label_values(&[outcome.name()]);
        }
        is_current.set(1);
        applied_at.set(Timestamp::now().unix_seconds());
        Ok(Self { reloads, is_current, applied_at })
    }

    pub(super) fn ended(&self, outcome: Outcome) {
        self.reloads.with_label_values(&[outcome.name()]).inc();
        self.is_current.set(i64::from(outcome != Outcome::Refused));
        if outcome == Outcome::Applied {
            self.applied_at.set(Timestamp::now().unix_seconds());
        }
    }
}
