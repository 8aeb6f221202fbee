use std::{convert::Infallible, future::pending, time::Duration};

use futures_util::future::join_all;
use hyper::{Request, StatusCode};
use tokio::time::{sleep, timeout};

use super::{Instance, Pool};
use crate::{
    front::Live,
    proxy::{
        body::Upload,
        client::{Clients, Ways},
    },
    settings::Health,
};

/// Asks every instance again and again whether it is ready. One that is on its way out
/// says so before it closes, and gets nothing new meanwhile.
#[derive(Debug)]
pub(crate) struct HealthChecks {
    clients: Clients,
    live: Live,
}

impl HealthChecks {
    /// A new connection is made for each check: whether it is taken is a part of it.
    pub(crate) fn new(ways: &Ways) -> Self {
        Self { clients: Clients::forgetful(ways), live: ways.live.clone() }
    }

    /// Goes on for ever, also when there is nothing to do.
    pub(crate) async fn keep_asking(&self) -> Infallible {
        loop {
            let pause = self.ask().await;
            let pause = async { if pause.is_zero() { pending().await } else { sleep(pause).await } };
            // What is new is asked at once.
            tokio::select! {
                () = pause => {}
                () = self.live.swapped() => {}
            }
        }
    }

    /// Asks all once; returns how long to pause then, zero for ever.
    async fn ask(&self) -> Duration {
        let front = self.live.front();
        let Health { every, patience } = front.health;
        if !every.is_zero() {
            let all = front.balance.pools.values();
            let all = all
                .flat_map(|pool| pool.all.iter().map(move |instance| self.check(patience, pool, instance)));
            join_all(all).await;
        }
        every
    }

    async fn check(&self, patience: Duration, pool: &Pool, instance: &Instance) {
        let is_ready = timeout(patience, self.is_ready(instance)).await;
        pool.checked(instance, is_ready.unwrap_or(false));
    }

    async fn is_ready(&self, instance: &Instance) -> bool {
        let request = Request::get(format!("{}/readyz", instance.base)).body(Upload::nothing());
        let Ok(request) = request else { return false };
        self.clients.request(instance, request).await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }
}
