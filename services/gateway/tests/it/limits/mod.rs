//! How often clients may ask.

mod credentials;
mod routes;

use std::time::Instant;

use futures_util::future::join_all;
use ids::OrgId;
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::spawn::{Gateway, World, spawn_with};

const PATH: &str = "/api/v1/prefs";

/// Limits are on; whoever asks comes from the address that they say.
const LIMITED: [(&str, &str); 2] =
    [("GATEWAY__LIMITS__ENFORCED", "true"), ("GATEWAY__TRUSTED_PROXIES", "127.0.0.0/8")];

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
