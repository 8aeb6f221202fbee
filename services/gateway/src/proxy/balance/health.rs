use std::{convert::Infallible, future::pending};

use futures_util::future::join_all;
use hyper::{Request, StatusCode};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::time::{sleep, timeout};

use super::{Balance, Instance, Pool};
use crate::{
    proxy::{
        body::Upload,
        connect::{Connector, Endpoints},
    },
    settings::Health,
};

/// Asks every instance again and again whether it is ready. One that is on its way out
/// says so before it closes, and gets nothing new meanwhile.
#[derive(Debug)]
pub(crate) struct HealthChecks {
    client: Client<Connector, Upload>,
    balance: Balance,
    settings: Health,
}

impl HealthChecks {
    pub(crate) fn new(balance: Balance, endpoints: Endpoints, settings: Health) -> Self {
        // A new connection for each check: whether it takes one is a part of it.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(Connector { endpoints, timeout: settings.patience });
        Self { client, balance, settings }
    }

    /// Goes on for ever, also when there is nothing to do.
    pub(crate) async fn keep_asking(&self) -> Infallible {
        if self.settings.every.is_zero() {
            return pending().await;
        }
        loop {
            let all = self.balance.pools.values();
            let all = all.flat_map(|pool| pool.all.iter().map(move |instance| self.check(pool, instance)));
            join_all(all).await;
            sleep(self.settings.every).await;
        }
    }

    async fn check(&self, pool: &Pool, instance: &Instance) {
        let is_ready = timeout(self.settings.patience, self.is_ready(&instance.base)).await;
        pool.checked(instance, is_ready.unwrap_or(false));
    }

    async fn is_ready(&self, base: &str) -> bool {
        let request = Request::get(format!("{base}/readyz")).body(Upload::nothing());
        let Ok(request) = request else { return false };
        self.client.request(request).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}
