//! What all replicas together let pass.

use std::time::{Duration, Instant};

use deadpool_redis::redis as redis_client;
use local_servers::{Redis, port, redis};
use rate_limiter::{Count, Decision, Quota};

use crate::{limiter, passed, policy, pool};

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_at_once_at_two_replicas_exactly_the_quota_passes() {
    let replicas = [(); 2].map(|()| limiter(&testing::redis_url()));
    let (count, began) = (policy("exact", Quota::per_minute(30)).of("key"), Instant::now());
    let passed = passed(&replicas, &count, 100).await;
    // One more is due every two seconds, however long a busy machine takes.
    let due = usize::try_from(began.elapsed().as_secs() / 2).unwrap();
    assert!((30..=30 + due).contains(&passed), "{passed} passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_under_load_let_pass_what_the_time_brings_and_no_more() {
    // Of the second one much is counted beforehand.
    for quota in [Quota::per_second(500).with_burst(100), Quota::per_second(2_000).with_burst(4_000)] {
        let (passed, due) = load(policy("load", quota).of("key"), Duration::from_secs(2)).await;
        assert!(f64::from(passed) <= due * 1.005, "{passed} passed of {due}");
        // A busy machine may ask too seldom, but not by that much.
        assert!(f64::from(passed) >= due * 0.5, "{passed} passed of {due}");
    }
}

/// How many requests of callers at two replicas passed who asked again and again for so long,
/// and how many were due.
async fn load(count: Count, time: Duration) -> (u32, f64) {
    let (url, began) = (testing::redis_url(), Instant::now());
    let work = |_| {
        let (limiter, count) = (limiter(&url), count.clone());
        tokio::spawn(async move {
            let (mut passed, mut last) = (0_u32, began);
            while began.elapsed() < time {
                if limiter.check(std::slice::from_ref(&count)).await.is_allowed() {
                    (passed, last) = (passed + 1, Instant::now());
                }
                tokio::task::yield_now().await;
            }
            (passed, last)
        })
    };
    let (mut passed, mut last) = (0, began);
    for worker in (0..2).map(work).collect::<Vec<_>>() {
        let (of_one, at) = worker.await.unwrap();
        (passed, last) = (passed + of_one, last.max(at));
    }
    let quota = count.policy().quota();
    let rate = f64::from(quota.requests()) / quota.period().as_secs_f64();
    (passed, f64::from(quota.burst()) + rate * (last - began).as_secs_f64())
}

/// A caller who comes fast costs Redis little.
#[tokio::test]
async fn of_a_thousand_requests_in_a_row_few_ask_redis() {
    let dir = tempfile::tempdir().unwrap();
    let options = redis::Options { port: Some(port::free().unwrap()), ..redis::Options::new("a-password") };
    let server = Redis::start(dir.path(), options).await.unwrap();
    let (limiter, count) = (limiter(&server.url()), policy("row", Quota::per_minute(60_000)).of("key"));
    for _ in 0..1_000 {
        assert!(limiter.check(std::slice::from_ref(&count)).await.is_allowed());
    }
    let mut connection = pool(&server.url()).get().await.unwrap();
    let told: String =
        redis_client::cmd("INFO").arg("commandstats").query_async(&mut connection).await.unwrap();
    let calls = told.split("cmdstat_evalsha:calls=").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let calls: u32 = calls.parse().unwrap();
    // Each time that a busy machine holds it up for long, it begins with few again.
    assert!((10..500).contains(&calls), "{calls} calls");
}

#[tokio::test]
async fn each_decision_says_what_is_left_and_a_refusal_when_to_come_back() {
    let (limiter, count) = (limiter(&testing::redis_url()), policy("told", Quota::per_minute(3)).of("key"));
    let check = async || -> Decision { limiter.check(std::slice::from_ref(&count)).await };
    for left in (0..3).rev() {
        let decision = check().await;
        let standing = &decision.standings[0];
        assert_eq!((decision.is_allowed(), standing.remaining), (true, left));
        assert!(decision.retry_after().is_zero() && standing.reset.as_secs() <= 20, "{decision:?}");
    }
    let refused = check().await;
    assert_eq!((refused.is_allowed(), refused.standings[0].remaining), (false, 0));
    let wait = refused.retry_after();
    assert!(!wait.is_zero() && wait.as_secs() <= 20, "{refused:?}");
}
