use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, Registry, TextEncoder, core::Collector};

/// Bounds of request durations, seconds: 5 ms to 10 s.
const DURATIONS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What Prometheus reads of one process: rate, errors and duration per route, the
/// process itself, and whatever the service adds.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
}

impl Metrics {
    /// The metrics of `service`, which stands as a label on each.
    ///
    /// # Errors
    /// When a name is not one that Prometheus accepts.
    pub fn new(service: &str) -> Result<Self, prometheus::Error> {
        let label = [("service".to_owned(), service.to_owned())].into();
        let registry = Registry::new_custom(None, Some(label))?;
        let options = HistogramOpts::new(
            "http_server_request_duration_seconds",
            "How long requests took, by route template; the count is the rate.",
        );
        let labels = ["method", "route", "status"];
        let requests = HistogramVec::new(options.buckets(DURATIONS.to_vec()), &labels)?;
        let metrics = Self { registry, requests };
        metrics.add(metrics.requests.clone())?;
        #[cfg(target_os = "linux")]
        metrics.add(prometheus::process_collector::ProcessCollector::for_self())?;
        Ok(metrics)
    }

    /// Adds a metric of the service's own.
    ///
    /// # Errors
    /// When one of its name is there already.
    pub fn add(&self, collector: impl Collector + 'static) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(collector))
    }

    /// Counts a request that was answered. `route` is the template, never the path,
    /// so that ids do not become labels.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let status = status.to_string();
        self.requests.with_label_values(&[method, route, status.as_str()]).observe(took.as_secs_f64());
    }

    /// All of it in Prometheus' text format.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_its_template() {
        let metrics = Metrics::new("auth").unwrap();
        metrics.request("GET", "/api/v1/auth/me", 200, Duration::from_millis(7));
        let text = metrics.render().unwrap();
        let bucket = r#"le="0.01""#;
        let line =
            text.lines().find(|line| line.contains("/api/v1/auth/me") && line.contains(bucket)).unwrap();
        assert!(line.contains(r#"service="auth""#) && line.ends_with(" 1"), "{line}");
    }
}
