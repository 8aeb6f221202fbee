//! How often clients may ask.

use std::time::Instant;

use futures_util::future::join_all;
use identity::Claims;
use ids::OrgId;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::{
    auth::{claims, unknown_key},
    spawn::{Gateway, World, problem, spawn_with},
};

const PATH: &str = "/api/v1/prefs";
const LOGIN: &str = "/api/v1/auth/login";

/// Limits are on; whoever asks comes from the address that they say; a busy machine is no Redis
/// that is away.
const LIMITED: [(&str, &str); 3] = [
    ("GATEWAY__LIMITS__ENFORCED", "true"),
    ("GATEWAY__TRUSTED_PROXIES", "127.0.0.0/8"),
    ("GATEWAY__REDIS__PATIENCE_MS", "20000"),
];

async fn world(variables: &[(&str, &str)]) -> World {
    spawn_with(&[&LIMITED, variables].concat()).await
}

/// An address that no other test has.
fn address() -> String {
    let [.., a, b, c] = OrgId::generate().uuid().into_bytes();
    format!("10.{a}.{b}.{c}")
}

/// An IPv6 network that no other test has: the four groups of a /64.
fn line() -> String {
    let [.., a, b, c, d] = OrgId::generate().uuid().into_bytes();
    format!("2001:db8:{a:x}{b:02x}:{c:x}{d:02x}")
}

fn get(gateway: &Gateway, address: &str) -> RequestBuilder {
    gateway.get(PATH).header("x-forwarded-for", address)
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[actix_web::test]
async fn of_a_hundred_and_thirty_anonymous_requests_a_hundred_pass() {
    let world = world(&[]).await;
    let (address, began) = (address(), Instant::now());
    let ask = |_| status(get(&world.gateway, &address));
    let all = join_all((0..130).map(ask)).await;
    let passed = all.iter().filter(|status| **status == 200).count();
    // One more is due every 600 ms, however long a busy machine takes.
    let due = usize::try_from(began.elapsed().as_millis() / 600).unwrap();
    assert!((100..=100 + due).contains(&passed), "{passed} passed");
    assert_eq!(all.iter().filter(|status| **status == 429).count(), 130 - passed, "{all:?}");
    assert_eq!(world.upstream.seen().len(), passed, "what is refused reaches nobody");
    assert_eq!(status(get(&world.gateway, &self::address())).await, 200, "others go on");
}

#[actix_web::test]
async fn an_answer_says_what_is_left_and_a_refusal_when_to_come_back_and_which_policy_it_was() {
    let world = world(&[("GATEWAY__LIMITS__IP", "2/m")]).await;
    let address = address();
    for left in ["1", "0"] {
        let answer = get(&world.gateway, &address).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"ip\";q=2;w=60");
        assert!(header(&answer, "ratelimit").starts_with(&format!("\"ip\";r={left};t=")));
    }
    let refused = get(&world.gateway, &address).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(header(&refused, "ratelimit"), format!("\"ip\";r=0;t={wait}"));
    assert_eq!(header(&refused, "ratelimit-policy"), "\"ip\";q=2;w=60");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "rate_limited");
    assert!(problem["detail"].as_str().unwrap().contains("\"ip\""), "{problem}");
}

#[actix_web::test]
async fn an_ipv6_network_is_one_client() {
    let world = world(&[("GATEWAY__LIMITS__IP", "2/h")]).await;
    let (line, other) = (line(), line());
    let ask = async |address: String| status(get(&world.gateway, &address)).await;
    assert_eq!(ask(format!("{line}::1")).await, 200);
    assert_eq!(ask(format!("{line}:ffff::1")).await, 200);
    assert_eq!(ask(format!("{line}::2")).await, 429);
    assert_eq!(ask(format!("{other}::2")).await, 200);
}

#[actix_web::test]
async fn a_credential_counts_for_its_user_and_their_organisation_and_not_for_its_address() {
    let world = world(&[
        ("GATEWAY__LIMITS__IP", "1/h"),
        ("GATEWAY__LIMITS__USERS", "default=3/h"),
        ("GATEWAY__LIMITS__ORGANIZATIONS", "default=5/h"),
    ])
    .await;
    let (address, org) = (address(), Some(OrgId::generate()));
    let person = || world.auth.sign(&Claims { org, ..claims() });
    let ask = async |token: &str| get(&world.gateway, &address).bearer_auth(token).send().await.unwrap();
    let (one, other) = (person(), person());
    for left in ["\"user\";r=2;", "\"user\";r=1;", "\"user\";r=0;"] {
        let answer = ask(&one).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"user\";q=3;w=3600, \"org\";q=5;w=3600");
        assert!(header(&answer, "ratelimit").starts_with(left));
    }
    let refused = ask(&one).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("\\\"user\\\""));
    // What was refused cost the organisation nothing.
    assert_eq!([ask(&other).await.status(), ask(&other).await.status()], [200, 200]);
    let refused = ask(&other).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.text().await.unwrap().contains("\\\"org\\\""));
    assert_eq!(ask(&world.auth.token()).await.status(), 200, "another organisation goes on");
}

#[actix_web::test]
async fn a_key_counts_by_its_own_limit_and_its_users_in_one_step() {
    let world = world(&[("GATEWAY__LIMITS__USERS", "default=3/h")]).await;
    *world.auth.state.requests_a_minute.lock().unwrap() = Some(2);
    let key = world.auth.api_key();
    let ask = async || get(&world.gateway, &address()).header("x-api-key", &key).send().await.unwrap();
    assert!(header(&ask().await, "ratelimit").starts_with("\"key\";r=1;"));
    assert_eq!(ask().await.status(), 200);
    let refused = ask().await;
    assert_eq!(refused.status(), 429);
    assert!(header(&refused, "ratelimit").contains("\"user\";r=1;"), "the user lost nothing by it");
}

#[actix_web::test]
async fn bad_credentials_count_for_their_address() {
    let world = world(&[("GATEWAY__LIMITS__IP", "3/h")]).await;
    let address = address();
    let ask = |_| status(get(&world.gateway, &address).bearer_auth("a.b.c"));
    let all = join_all((0..10).map(ask)).await;
    assert_eq!(all.iter().filter(|status| **status == 401).count(), 3, "{all:?}");
    assert_eq!(all.iter().filter(|status| **status == 429).count(), 7, "{all:?}");
    assert_eq!(status(get(&world.gateway, &address).bearer_auth(world.auth.token())).await, 200);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_does_not_reach_auth_and_known_ones_go_on() {
    let world = world(&[("GATEWAY__LIMITS__PROOFS", "5/h")]).await;
    let address = address();
    let ask = async |key: &str| status(get(&world.gateway, &address).header("x-api-key", key)).await;
    let known = world.auth.api_key();
    assert_eq!(ask(&known).await, 200);
    let all = join_all((0..30).map(|_| async { ask(&unknown_key()).await })).await;
    assert_eq!(all.iter().filter(|status| **status == 401).count(), 4, "{all:?}");
    assert_eq!(world.auth.exchanges(), 5);
    assert_eq!(ask(&known).await, 200);
}

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
    let upstream = crate::upstream::Upstream::start("webhook");
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

#[actix_web::test]
async fn two_gateways_count_together() {
    let variables = [("GATEWAY__LIMITS__IP", "20/h")];
    let world = world(&variables).await;
    let places = [
        ("AUTH_INTERNAL_URL", world.auth.url.as_str()),
        ("AUTH_SERVICE_URL", &world.upstream.url),
        ("PREFS_SERVICE_URL", &world.upstream.url),
    ];
    let other = Gateway::start(&[&places[..], &LIMITED, &variables].concat()).await;
    testing::until_ready(&format!("http://{}", other.address)).await;
    let address = address();
    let ask =
        |number: usize| status(get(if number.is_multiple_of(2) { &world.gateway } else { &other }, &address));
    let all = join_all((0..60).map(ask)).await;
    assert_eq!(all.iter().filter(|status| **status == 200).count(), 20, "{all:?}");
}
