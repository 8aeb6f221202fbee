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

use std::collections::HashMap;

use service_discovery::{Registry, Service};

pub(crate) use health::HealthChecks;
pub(super) use instance::{Chosen, Instance};
pub(crate) use metrics::{Counted, Up};
pub(super) use pool::Pool;
pub(super) use verdict::Verdict;

/// The instances of every service behind the gateway.
#[derive(Debug)]
pub(crate) struct Balance {
    pools: HashMap<Service, Pool>,
}

impl Balance {
    /// Instances that were there `before` are the same ones, with all that is known of them.
    pub(crate) fn new(
        registry: &Registry,
        services: &[Service],
        counted: &Counted,
        before: Option<&Self>,
    ) -> Self {
        let pool = |service: &Service| {
            let before = before.and_then(|before| before.pool(*service));
            (*service, Pool::new(registry.instances(*service), counted.of(*service), before))
        };
        Self { pools: services.iter().map(pool).collect() }
    }

    pub(super) fn pool(&self, service: Service) -> Option<&Pool> {
        self.pools.get(&service)
    }
}
