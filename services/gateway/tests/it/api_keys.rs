use std::time::Duration;

use local_servers::{Redis, port, redis};

use crate::{
    auth::unknown_key,
    spawn::{World, problem, spawn, spawn_with},
};

const PATH: &str = "/api/v1/prefs";

async fn status(world: &World, key: &str) -> u16 {
    world.gateway.get(PATH).header("x-api-key", key).send().await.unwrap().status().as_u16()
}

#[actix_web::test]
async fn a_key_is_exchanged_once_and_works_in_both_headers() {
    let world = spawn().await;
    let key = world.auth.api_key();
    for _ in 0..5 {
        assert_eq!(status(&world, &key).await, 200);
        assert_eq!(world.gateway.get_with(PATH, &key).send().await.unwrap().status(), 200);
    }
    assert_eq!(world.auth.exchanges(), 1);
    let seen = world.upstream.last();
    assert!(seen.claims()["sid"].as_str().unwrap().starts_with("key_"));
    assert!(!format!("{seen:?}").contains(&key), "the key goes no further");
}

#[actix_web::test]
async fn many_at_once_are_one_exchange() {
    let world = spawn().await;
    let key = world.auth.api_key();
    let all = futures_util::future::join_all((0..30).map(|_| status(&world, &key))).await;
    assert!(all.iter().all(|status| *status == 200), "{all:?}");
    assert_eq!(world.auth.exchanges(), 1);
}

#[actix_web::test]
async fn garbage_costs_auth_nothing() {
    let world = spawn().await;
    let mut mistyped = world.auth.api_key();
    let last = if mistyped.pop() == Some('0') { '1' } else { '0' };
    mistyped.push(last);
    for key in ["plk_", "plk_dev_x", "plk_live_01h455vb4pex5vsknk084sn02q_short", "nonsense", &mistyped] {
        let request = world.gateway.get(PATH).header("x-api-key", key);
        assert_eq!(problem(request).await, (401, "api_key_malformed".to_owned()), "{key}");
    }
    assert_eq!(world.auth.exchanges(), 0);
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn a_refused_key_is_remembered_for_a_while() {
    let world = spawn().await;
    let key = unknown_key();
    for _ in 0..20 {
        let request = world.gateway.get(PATH).header("x-api-key", &key);
        assert_eq!(problem(request).await, (401, "api_key_invalid".to_owned()));
    }
    assert_eq!(world.auth.exchanges(), 1);
    assert!(world.upstream.seen().is_empty());
}

#[actix_web::test]
async fn a_known_key_goes_on_while_auth_is_down_and_an_unknown_one_is_503() {
    let world = spawn().await;
    let (known, new) = (world.auth.api_key(), world.auth.api_key());
    assert_eq!(status(&world, &known).await, 200);
    world.auth.set_down(true);
    assert_eq!(status(&world, &known).await, 200);
    let response = world.gateway.get(PATH).header("x-api-key", &new).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    world.auth.set_down(false);
    // The breaker of the connection to auth may rest for a second first.
    for _ in 0..30 {
        if status(&world, &new).await == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("auth is back, but the key is not accepted");
}

#[actix_web::test]
async fn an_old_token_is_refreshed_by_the_one_who_meets_it() {
    let world = spawn().await;
    let key = world.auth.api_key();
    *world.auth.state.age_and_lifetime.lock().unwrap() = (239, 661);
    assert_eq!(status(&world, &key).await, 200);
    let before = world.upstream.last().claims();
    *world.auth.state.age_and_lifetime.lock().unwrap() = (0, 900);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(status(&world, &key).await, 200);
    assert_ne!(world.upstream.last().claims()["jti"], before["jti"], "the new token is in use");
    assert_eq!(status(&world, &key).await, 200);
    assert_eq!(world.auth.exchanges(), 2);
}

#[actix_web::test]
async fn a_key_that_was_deleted_ends_with_its_refresh() {
    let world = spawn().await;
    let key = world.auth.api_key();
    *world.auth.state.age_and_lifetime.lock().unwrap() = (239, 661);
    assert_eq!(status(&world, &key).await, 200);
    world.auth.state.known.lock().unwrap().clear();
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(status(&world, &key).await, 401, "after four minutes it is asked for before it is used");
}

#[actix_web::test]
async fn an_expired_token_is_never_served() {
    let world = spawn().await;
    let key = world.auth.api_key();
    *world.auth.state.age_and_lifetime.lock().unwrap() = (0, 1);
    assert_eq!(status(&world, &key).await, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    world.auth.set_down(true);
    assert_eq!(status(&world, &key).await, 503);
}

#[actix_web::test]
async fn another_replica_finds_the_exchange_in_redis_but_a_reader_of_redis_finds_nothing() {
    let world = spawn().await;
    let key = world.auth.api_key();
    assert_eq!(status(&world, &key).await, 200);
    let replica = crate::spawn::Gateway::start(&[
        ("AUTH_INTERNAL_URL", &world.auth.url),
        ("PREFS_SERVICE_URL", &world.upstream.url),
        ("AUTH_SERVICE_URL", &world.upstream.url),
    ])
    .await;
    testing::until_ready(&format!("http://{}", replica.address)).await;
    let response = replica.get(PATH).header("x-api-key", &key).send().await.unwrap();
    assert_eq!((response.status().as_u16(), world.auth.exchanges()), (200, 1));
    let client = deadpool_redis::redis::Client::open(testing::redis_url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let names: Vec<String> =
        deadpool_redis::redis::cmd("KEYS").arg("{gateway}:apikey:*").query_async(&mut redis).await.unwrap();
    assert!(!names.is_empty());
    for name in names {
        let value: Option<Vec<u8>> =
            deadpool_redis::redis::cmd("GET").arg(&name).query_async(&mut redis).await.unwrap();
        assert!(
            !name.contains(&key) && !String::from_utf8_lossy(&value.unwrap_or_default()).contains("eyJ"),
            "{name}"
        );
        let ttl: i64 = deadpool_redis::redis::cmd("TTL").arg(&name).query_async(&mut redis).await.unwrap();
        assert!((0..=900).contains(&ttl) || ttl == -2, "{ttl}");
    }
}

#[actix_web::test]
async fn redis_that_is_dead_or_hangs_fails_no_request() {
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging = format!("redis://{}", hanging.local_addr().unwrap());
    for url in ["redis://127.0.0.1:1", &hanging] {
        let world = spawn_with(&[("GATEWAY__REDIS__URL", url), ("GATEWAY__REDIS__PATIENCE_MS", "50")]).await;
        let key = world.auth.api_key();
        for _ in 0..2 {
            assert_eq!(status(&world, &key).await, 200, "{url}");
        }
    }
}

#[actix_web::test]
async fn redis_that_is_killed_and_comes_back_fails_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let options = redis::Options { port: Some(port::free().unwrap()), ..redis::Options::new("a-password") };
    let server = Redis::start(dir.path(), options.clone()).await.unwrap();
    let world = spawn_with(&[("GATEWAY__REDIS__URL", &server.url())]).await;
    let keys = [(); 4].map(|()| world.auth.api_key());
    assert_eq!(status(&world, &keys[0]).await, 200);
    drop(server);
    for key in &keys[..3] {
        assert_eq!(status(&world, key).await, 200);
    }
    let _server = Redis::start(dir.path(), options).await.unwrap();
    assert_eq!(status(&world, &keys[3]).await, 200);
    assert_eq!(world.auth.exchanges(), 4);
}

#[actix_web::test]
async fn a_gateway_that_auth_refuses_says_so_as_its_own_failure() {
    let world = spawn_with(&[("GATEWAY__CLIENT__SECRET", "another secret than the one auth knows")]).await;
    let key = world.auth.api_key();
    assert_eq!(status(&world, &key).await, 500);
}
