//! Counting with a real Redis, there and away.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod away;
mod exact;
mod together;

use std::time::Duration;

use deadpool_redis::{Config, Pool, Runtime};
use futures_util::future::join_all;
use local_servers::port;
use rate_limiter::{Count, Limiter, Options, Policy, Quota};

/// So long that a busy machine is no Redis that is away.
const PATIENCE: Duration = Duration::from_secs(20);

fn pool(url: &str) -> Pool {
    Config::from_url(url).create_pool(Some(Runtime::Tokio1)).unwrap()
}

/// A replica that counts in this Redis.
fn limiter(url: &str) -> Limiter {
    Limiter::new(pool(url), Options { patience: PATIENCE, ..Options::default() })
}

/// A policy whose keys are nobody else's.
fn policy(name: &str, quota: Quota) -> Policy {
    let port = port::free().unwrap();
    Policy::new(&format!("{name}-{}-{port}", std::process::id()), quota)
}

/// How many of `count` requests at once pass at these replicas.
async fn passed(replicas: &[Limiter], count: &Count, requests: usize) -> usize {
    let one = std::slice::from_ref(count);
    let all = (0..requests).map(|number| replicas[number % replicas.len()].check(one));
    join_all(all).await.iter().filter(|decision| decision.is_allowed()).count()
}
