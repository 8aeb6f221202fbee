//! API keys that have a limit of their own.

use std::time::Instant;

use futures_util::future::join_all;
use ids::{ApiKeyId, UserId};
use serde_json::Value;

use crate::spawn::{Gateway, World, spawn, spawn_with};

const PATH: &str = "/api/v1/prefs";

/// A world with a key of that many requests a minute.
async fn world(requests_a_minute: u32) -> (World, String) {
    let world = spawn().await;
    *world.auth.state.requests_a_minute.lock().unwrap() = Some(requests_a_minute);
    let key = world.auth.api_key();
    (world, key)
}

async fn another_gateway(world: &World) -> Gateway {
    let gateway = Gateway::start(&[
        ("AUTH_INTERNAL_URL", &world.auth.url),
        ("AUTH_SERVICE_URL", &world.upstream.url),
        ("PREFS_SERVICE_URL", &world.upstream.url),
    ])
    .await;
    testing::until_ready(&format!("http://{}", gateway.address)).await;
    gateway
}

#[actix_web::test]
async fn of_a_hundred_requests_at_two_gateways_as_many_pass_as_the_key_may_send() {
    let (world, key) = world(30).await;
    let other = another_gateway(&world).await;
    let began = Instant::now();
    let ask = async |number: usize| {
        let gateway = if number.is_multiple_of(2) { &world.gateway } else { &other };
        gateway.get(PATH).header("x-api-key", &key).send().await.unwrap().status().as_u16()
    };
    let all = join_all((0..100).map(ask)).await;
    let passed = all.iter().filter(|status| **status == 200).count();
    // One more is due every two seconds, however long a busy machine takes.
    let due = usize::try_from(began.elapsed().as_secs() / 2).unwrap();
    assert!((30..=30 + due).contains(&passed), "{passed} passed");
    assert_eq!(all.iter().filter(|status| **status == 429).count(), 100 - passed, "{all:?}");
    assert_eq!(world.upstream.seen().len(), passed, "what is refused reaches nobody");
}

#[actix_web::test]
async fn each_answer_says_what_is_left_and_a_refusal_when_to_come_back() {
    let (world, key) = world(2).await;
    let ask = async || world.gateway.get(PATH).header("x-api-key", &key).send().await.unwrap();
    for left in ["1", "0"] {
        let answer = ask().await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"key\";q=2;w=60");
        let state = answer.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(state.starts_with(&format!("\"key\";r={left};t=")), "{state}");
    }
    let refused = ask().await;
    assert_eq!(refused.status(), 429);
    let headers = refused.headers().clone();
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(headers["ratelimit-policy"], "\"key\";q=2;w=60");
    assert_eq!(headers["ratelimit"], format!("\"key\";r=0;t={wait}").as_str());
    let problem: Value = refused.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"rate_limited".into(), &429.into()));
    assert_eq!(world.upstream.seen().len(), 2);
}

#[actix_web::test]
async fn a_key_without_a_limit_has_none_and_each_key_its_own() {
    let (world, first) = world(1).await;
    let status = async |key: &str| {
        world.gateway.get(PATH).header("x-api-key", key).send().await.unwrap().status().as_u16()
    };
    assert_eq!((status(&first).await, status(&first).await), (200, 429));
    *world.auth.state.holder.lock().unwrap() = (UserId::generate(), 3, ApiKeyId::generate());
    let second = world.auth.api_key();
    assert_eq!((status(&second).await, status(&second).await), (200, 429));
    *world.auth.state.holder.lock().unwrap() = (UserId::generate(), 3, ApiKeyId::generate());
    *world.auth.state.requests_a_minute.lock().unwrap() = None;
    let free = world.auth.api_key();
    for _ in 0..10 {
        let answer = world.gateway.get(PATH).header("x-api-key", &free).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(!answer.headers().contains_key("ratelimit"));
    }
}

#[actix_web::test]
async fn a_limit_holds_without_redis_too() {
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = format!("redis://{}", hanging.local_addr().unwrap());
    for url in ["redis://127.0.0.1:1", &hanging] {
        let world = spawn_with(&[("GATEWAY__REDIS__URL", url), ("GATEWAY__REDIS__PATIENCE_MS", "50")]).await;
        *world.auth.state.requests_a_minute.lock().unwrap() = Some(3);
        let key = world.auth.api_key();
        let ask = |_| world.gateway.get(PATH).header("x-api-key", &key).send();
        let all = join_all((0..20).map(ask)).await;
        let passed = all.iter().filter(|answer| answer.as_ref().unwrap().status() == 200).count();
        assert_eq!(passed, 3, "{url}");
    }
}
