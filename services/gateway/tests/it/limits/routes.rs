//! Routes that are counted in their own way.

use futures_util::future::join_all;
use ids::OrgId;
use reqwest::Method;

use super::{PATH, address, get, header, status, world};
use crate::{
    spawn::{problem, spawn_with},
    upstream::Upstream,
};

const LOGIN: &str = "/api/v1/auth/login";

#[actix_web::test]
async fn logins_have_a_limit_of_their_own() {
    let world = world(&[("GATEWAY__LIMITS__LOGIN", "2/h")]).await;
    let address = address();
    let post = |path: &str| {
        world.gateway.request(Method::POST, path).header("x-forwarded-for", &address).body("{}").send()
    };
    let answer = post(LOGIN).await.unwrap();
    assert_eq!(header(&answer, "ratelimit-policy"), "\"ip\";q=100;w=60, \"login\";q=2;w=3600");
    assert_eq!(post("/api/v1/auth/password/forgot").await.unwrap().status(), 200);
    let refused = post("/api/v1/auth/mfa/verify").await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("\\\"login\\\""));
    assert_eq!(post("/api/v1/auth/refresh").await.unwrap().status(), 200, "nobody guesses those");
}

#[actix_web::test]
async fn without_redis_logins_are_closed_and_all_else_is_counted_here() {
    let world = spawn_with(&[
        ("GATEWAY__LIMITS__ENFORCED", "true"),
        ("GATEWAY__LIMITS__IP", "6/h"),
        ("GATEWAY__LIMITS__REPLICAS", "2"),
        ("GATEWAY__REDIS__URL", "redis://127.0.0.1:1"),
    ])
    .await;
    let login = || world.gateway.request(Method::POST, LOGIN).body("{}");
    for _ in 0..5 {
        assert_eq!(problem(login()).await, (503, "limits_unavailable".to_owned()));
    }
    let answer = login().send().await.unwrap();
    assert!(header(&answer, "retry-after").parse::<u64>().unwrap() >= 1);
    assert!(world.upstream.seen().is_empty(), "no login passed uncounted");
    let all = join_all((0..10).map(|_| status(world.gateway.get(PATH)))).await;
    assert_eq!(all.iter().filter(|status| **status == 200).count(), 3, "half of it: {all:?}");
}

#[actix_web::test]
async fn webhooks_are_counted_by_their_source_whoever_sends_them() {
    let upstream = Upstream::start("webhook");
    let world = world(&[
        ("GATEWAY__SERVICES", "auth,prefs,webhook"),
        ("WEBHOOK_SERVICE_URL", &upstream.url),
        ("GATEWAY__LIMITS__HOOKS", "2/h"),
        ("GATEWAY__LIMITS__IP", "1/h"),
    ])
    .await;
    let post = async |source: &str| {
        let request = world.gateway.request(Method::POST, &format!("/api/v1/hooks/{source}"));
        status(request.header("x-forwarded-for", address()).body("{}")).await
    };
    let (one, other) = (OrgId::generate().to_string(), OrgId::generate().to_string());
    assert_eq!([post(&one).await, post(&one).await, post(&one).await], [200, 200, 429]);
    assert_eq!(post(&format!("{one}/more")).await, 429);
    assert_eq!(post(&other).await, 200);
}

#[actix_web::test]
async fn who_invents_sources_of_webhooks_meets_the_limit_of_their_address() {
    let upstream = Upstream::start("webhook");
    let world = world(&[
        ("GATEWAY__SERVICES", "auth,prefs,webhook"),
        ("WEBHOOK_SERVICE_URL", &upstream.url),
        ("GATEWAY__LIMITS__SENDERS", "3/h"),
    ])
    .await;
    let address = address();
    let post = |_| {
        let path = format!("/api/v1/hooks/{}", OrgId::generate());
        status(world.gateway.request(Method::POST, &path).header("x-forwarded-for", &address).body("{}"))
    };
    let all = join_all((0..10).map(post)).await;
    assert_eq!(all.iter().filter(|status| **status == 200).count(), 3, "{all:?}");
}

#[actix_web::test]
async fn health_is_asked_as_often_as_one_likes() {
    let world = world(&[("GATEWAY__LIMITS__IP", "1/h")]).await;
    let address = address();
    assert_eq!(status(get(&world.gateway, &address)).await, 200);
    assert_eq!(status(get(&world.gateway, &address)).await, 429);
    for _ in 0..20 {
        for path in ["/healthz", "/readyz"] {
            let answer = world.gateway.get(path).header("x-forwarded-for", &address).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(!answer.headers().contains_key("ratelimit"));
        }
    }
}
