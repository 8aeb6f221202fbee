//! A Redis that is away, or slow.

use std::time::{Duration, Instant};

use local_servers::{Redis, port, redis};
use rate_limiter::{Limiter, Options, Policy, Quota, Verdict};

use crate::{limiter, passed, pool};

fn nowhere(replicas: u32) -> Limiter {
    Limiter::new(pool("redis://127.0.0.1:1"), Options { replicas, ..Options::default() })
}

#[tokio::test]
async fn a_redis_that_hangs_is_waited_for_once_a_second_at_most() {
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", hanging.local_addr().unwrap());
    let limiter = Limiter::new(pool(&url), Options::default());
    let (count, began) = (Policy::new("a", Quota::per_minute(1000)).of("key"), Instant::now());
    for _ in 0..1000 {
        assert!(limiter.check(std::slice::from_ref(&count)).await.is_allowed());
    }
    assert!(began.elapsed() < Duration::from_secs(30), "1000 times 50 ms would be 50 s");
}

#[tokio::test]
async fn alone_a_replica_lets_its_part_pass() {
    let quota = Quota::per_hour(90);
    for (replicas, part) in [(1, 90), (3, 30), (1000, 1)] {
        let count = Policy::new("a", quota).of("key");
        assert_eq!(passed(&[nowhere(replicas)], &count, 200).await, part, "{replicas} replicas");
    }
}

#[tokio::test]
async fn what_fails_closed_is_refused_and_costs_the_others_nothing() {
    let limiter = nowhere(1);
    let ip = Policy::new("ip", Quota::per_hour(2));
    let login = Policy::new("login", Quota::per_hour(2)).failing_closed();
    for _ in 0..5 {
        let refused = limiter.check(&[ip.of("a"), login.of("a")]).await;
        assert_eq!(refused.verdict, Verdict::Uncounted);
        assert!(!refused.retry_after().is_zero());
    }
    assert_eq!(passed(&[limiter], &ip.of("a"), 5).await, 2);
}

#[tokio::test]
async fn without_redis_a_process_counts_for_itself_and_afterwards_all_count_together() {
    let dir = tempfile::tempdir().unwrap();
    let options = redis::Options { port: Some(port::free().unwrap()), ..redis::Options::new("a-password") };
    let server = Redis::start(dir.path(), options.clone()).await.unwrap();
    let replicas = [(); 2].map(|()| limiter(&server.url()));
    let policy = Policy::new("a", Quota::per_minute(1));
    assert_eq!(passed(&replicas, &policy.of("before"), 10).await, 1);
    drop(server);
    assert_eq!(passed(&replicas, &policy.of("before"), 10).await, 0, "what was known counts on");
    assert_eq!(passed(&replicas, &policy.of("without"), 50).await, 2, "once a replica");
    let _server = Redis::start(dir.path(), options).await.unwrap();
    // As soon as both dare to ask it again, what passes at one does not at the other.
    let (began, mut number) = (Instant::now(), 0);
    while passed(&replicas, &policy.of(format!("probe-{number}")), 2).await > 1 {
        assert!(began.elapsed().as_secs() < 30, "Redis is back, but does not count");
        number += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
