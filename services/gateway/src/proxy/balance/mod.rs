//! Which instance gets a request: of two at random the one that has less to do, and none
//! that fails or is not ready. What one worker learns, all know: by atomics, without a lock.

mod breaker;
mod budget;
mod health;
mod instance;
mod metrics;
mod pool;
mod rules;
mod verdict;

use std::{collections::HashMap, sync::Arc};

use observability::Metrics;
use service_discovery::{Registry, Service};

pub(crate) use health::HealthChecks;
pub(super) use instance::{Chosen, Instance};
pub(super) use pool::Pool;
pub(super) use verdict::Verdict;

/// The instances of every service behind the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Balance {
    pools: Arc<HashMap<Service, Pool>>,
}

impl Balance {
    /// # Errors
    /// When one of its metrics is there already.
    pub(crate) fn new(
        registry: &Registry,
        services: &[Service],
        metrics: &Metrics,
    ) -> Result<Self, prometheus::Error> {
        let counted = metrics::Counted::new(metrics)?;
        let pool =
            |service: &Service| (*service, Pool::new(registry.weighted(*service), counted.of(*service)));
        let balance = Self { pools: Arc::new(services.iter().map(pool).collect()) };
        metrics.add(metrics::Up::new(balance.clone())?)?;
        Ok(balance)
    }

    pub(super) fn pool(&self, service: Service) -> Option<&Pool> {
        self.pools.get(&service)
    }
}
