//! What Prometheus reads of the instances.

use observability::Metrics;
use prometheus::{
    IntCounterVec, IntGaugeVec, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use service_discovery::Service;

use super::pool::Counters;
use crate::front::Live;

/// Which service; `service` is the gateway itself.
const LABELS: [&str; 1] = ["upstream"];

/// Counts what happens, by service.
#[derive(Debug)]
pub(crate) struct Counted {
    ejections: IntCounterVec,
    retries: IntCounterVec,
}

impl Counted {
    /// # Errors
    /// When one of them is there already.
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let counter = |name, help| {
            let counter = IntCounterVec::new(Opts::new(name, help), &LABELS)?;
            metrics.add(counter.clone())?;
            Ok::<_, prometheus::Error>(counter)
        };
        Ok(Self {
            ejections: counter("gateway_ejections_total", "Instances that failed and were put out.")?,
            retries: counter("gateway_retries_total", "Requests that were sent once more.")?,
        })
    }

    pub(super) fn of(&self, service: Service) -> Counters {
        Counters {
            ejections: self.ejections.with_label_values(&[service.name()]),
            retries: self.retries.with_label_values(&[service.name()]),
        }
    }
}

/// How many instances get requests, counted when it is asked.
pub(crate) struct Up {
    live: Live,
    up: IntGaugeVec,
}

impl Up {
    pub(crate) fn new(live: Live) -> Result<Self, prometheus::Error> {
        let options = Opts::new("gateway_instances_up", "Instances that get requests.");
        Ok(Self { live, up: IntGaugeVec::new(options, &LABELS)? })
    }
}

impl Collector for Up {
    fn desc(&self) -> Vec<&Desc> {
        self.up.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Of a service that is no longer there, there is nothing to tell.
        self.up.reset();
        for (service, pool) in &self.live.front().balance.pools {
            let up = i64::try_from(pool.up()).unwrap_or(i64::MAX);
            self.up.with_label_values(&[service.name()]).set(up);
        }
        self.up.collect()
    }
}
