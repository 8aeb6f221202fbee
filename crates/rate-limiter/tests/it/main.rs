//! Counting with a real Redis, there and away.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use deadpool_redis::{Config, Pool, Runtime};
use futures_util::future::join_all;
use local_servers::{Redis, port, redis};
use rate_limiter::{Decision, Limiter, Quota};

/// So long that a busy machine is no Redis that is away.
const PATIENCE: Duration = Duration::from_secs(20);

fn pool(url: &str) -> Pool {
    Config::from_url(url).create_pool(Some(Runtime::Tokio1)).unwrap()
}

/// A key of nobody else's.
fn key(name: &str) -> String {
    let port = port::free().unwrap();
    format!("test:{{{name}-{}-{port}}}", std::process::id())
}

/// How many of `count` requests at once pass at these replicas.
async fn passed(replicas: &[Limiter], key: &str, quota: Quota, count: usize) -> usize {
    let all = (0..count).map(|number| replicas[number % replicas.len()].check(key, quota));
    join_all(all).await.iter().filter(|decision| decision.allowed).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_at_once_at_two_replicas_exactly_the_quota_passes() {
    let replicas = [(); 2].map(|()| Limiter::new(pool(&testing::redis_url()), PATIENCE));
    let (key, began) = (key("exact"), Instant::now());
    let passed = passed(&replicas, &key, Quota::per_minute(30), 100).await;
    // One more is due every two seconds, however long a busy machine takes.
    let due = usize::try_from(began.elapsed().as_secs() / 2).unwrap();
    assert!((30..=30 + due).contains(&passed), "{passed} passed");
}

#[tokio::test]
async fn each_decision_says_what_is_left_and_a_refusal_when_to_come_back() {
    let (limiter, key) = (Limiter::new(pool(&testing::redis_url()), PATIENCE), key("told"));
    let mut last: Option<Decision> = None;
    for left in (0..3).rev() {
        let decision = limiter.check(&key, Quota::per_minute(3)).await;
        assert_eq!((decision.allowed, decision.remaining), (true, left));
        assert!(decision.retry_after.is_zero() && decision.reset.as_secs() <= 20, "{decision:?}");
        last = Some(decision);
    }
    let refused = limiter.check(&key, Quota::per_minute(3)).await;
    assert_eq!((refused.allowed, refused.remaining), (false, 0));
    assert!(!refused.retry_after.is_zero() && refused.retry_after.as_secs() <= 20, "{refused:?}");
    assert_ne!(last, Some(refused));
}

#[tokio::test]
async fn a_redis_that_hangs_is_waited_for_once_a_second_at_most() {
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", hanging.local_addr().unwrap());
    let limiter = Limiter::new(pool(&url), Duration::from_millis(50));
    let began = Instant::now();
    for _ in 0..1000 {
        assert!(limiter.check("key", Quota::per_minute(1000)).await.allowed);
    }
    assert!(began.elapsed() < Duration::from_secs(30), "1000 times 50 ms would be 50 s");
}

#[tokio::test]
async fn without_redis_a_process_counts_for_itself_and_afterwards_all_count_together() {
    let dir = tempfile::tempdir().unwrap();
    let options = redis::Options { port: Some(port::free().unwrap()), ..redis::Options::new("a-password") };
    let server = Redis::start(dir.path(), options.clone()).await.unwrap();
    let replicas = [(); 2].map(|()| Limiter::new(pool(&server.url()), PATIENCE));
    assert_eq!(passed(&replicas, "before", Quota::per_minute(1), 10).await, 1);
    drop(server);
    assert_eq!(passed(&replicas, "before", Quota::per_minute(1), 10).await, 0, "what was known counts on");
    assert_eq!(passed(&replicas, "without", Quota::per_minute(1), 50).await, 2, "once a replica");
    let _server = Redis::start(dir.path(), options).await.unwrap();
    // As soon as both dare to ask it again, what passes at one does not at the other.
    let (began, mut number) = (Instant::now(), 0);
    while passed(&replicas, &format!("probe-{number}"), Quota::per_minute(1), 2).await > 1 {
        assert!(began.elapsed().as_secs() < 30, "Redis is back, but does not count");
        number += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
