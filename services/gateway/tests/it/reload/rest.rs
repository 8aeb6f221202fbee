//! Whom to believe, which pages to trust, by which keys to sign; and what lasts.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::configured::{Configured, key, prefs, spawn, spawn_bare};
use crate::{
    auth::Auth,
    upstream::{Seen, Upstream},
};

const NAME: &str = "/api/v1/prefs/name";

#[actix_web::test]
async fn a_proxy_is_believed_from_the_next_request_on() {
    let upstream = Upstream::start("prefs");
    let listed = prefs(&upstream.url);
    let gateway = spawn(&listed).await;
    let ask = || gateway.gateway.get(NAME).header("x-forwarded-for", "192.0.2.7").send();
    ask().await.unwrap();
    assert_eq!(upstream.last().header("x-forwarded-for"), Some("127.0.0.1"));
    gateway.apply(&format!("{listed}[gateway]\ntrusted_proxies = \"127.0.0.0/8\"\n")).await;
    ask().await.unwrap();
    assert_eq!(upstream.last().header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
}

#[actix_web::test]
async fn a_page_is_trusted_from_the_next_request_on() {
    let upstream = Upstream::start("prefs");
    let gateway = spawn(&prefs(&upstream.url)).await;
    let page = "https://new.example.com";
    let is_allowed = async || {
        let answer = gateway.gateway.get(NAME).header("origin", page).send().await.unwrap();
        answer.headers().contains_key("access-control-allow-origin")
    };
    assert!(!is_allowed().await);
    gateway.apply(&format!("{}plinth_trusted_origins = [\"{page}\"]\n", prefs(&upstream.url))).await;
    assert!(is_allowed().await);
}

/// The keys that the gateway publishes.
async fn published(gateway: &Configured) -> Vec<String> {
    let url = format!("http://{}/internal/v1/gateway/jwks.json", gateway.gateway.internal);
    let set: Value = testing::http().get(url).send().await.unwrap().json().await.unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The key that signed a request's inward token.
fn signer(seen: &Seen) -> String {
    let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let head = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn keys_are_published_before_they_sign_and_tokens_are_kept_meanwhile() {
    let upstream = Upstream::start("prefs");
    let keys = |keys: &[u8]| {
        let keys: Vec<String> = keys.iter().map(|seed| key(*seed)).collect();
        format!("{}[gateway.token]\nkeys = \"{}\"\n", prefs(&upstream.url), keys.join(","))
    };
    let auth = Auth::start();
    let place = auth.url.clone();
    let gateway = spawn_bare(auth, &keys(&[1]), &[("AUTH_INTERNAL_URL", &place)]).await;
    let token = gateway.auth.token();
    let asks = async || {
        assert_eq!(gateway.gateway.get_with(NAME, &token).send().await.unwrap().status(), 200);
        upstream.last()
    };
    let first = asks().await;
    gateway.apply(&format!("{}[gateway.limits]\nreplicas = 2\n", keys(&[1]))).await;
    assert_eq!(asks().await.header("authorization"), first.header("authorization"), "it is kept");
    gateway.apply(&keys(&[1, 2])).await;
    let both = published(&gateway).await;
    assert_eq!((both.len(), signer(&asks().await)), (2, both[0].clone()));
    gateway.apply(&keys(&[2, 1])).await;
    assert_eq!(signer(&asks().await), both[1]);
    gateway.apply(&keys(&[2])).await;
    assert_eq!(published(&gateway).await, both[1..]);
}

#[actix_web::test]
async fn what_was_exchanged_and_revoked_outlives_a_reload() {
    let upstream = Upstream::start("prefs");
    let gateway = spawn(&prefs(&upstream.url)).await;
    let (key, token) = (gateway.auth.api_key(), gateway.auth.token());
    let status =
        async |token: &str| gateway.gateway.get_with(NAME, token).send().await.unwrap().status().as_u16();
    assert_eq!((status(&key).await, status(&token).await), (200, 200));
    let fetched = gateway.auth.keys_fetched();
    for size in 100..110 {
        gateway.apply(&format!("{}[gateway]\nmax_body_bytes = {size}\n", prefs(&upstream.url))).await;
        assert_eq!((status(&key).await, status(&token).await), (200, 200));
    }
    assert_eq!((gateway.auth.exchanges(), gateway.auth.keys_fetched()), (1, fetched));
    assert_eq!(gateway.metric("gateway_config_reloads_total{outcome=\"applied\"").await, 10);
}

#[actix_web::test]
async fn auth_itself_may_move() {
    let (upstream, auth, elsewhere) = (Upstream::start("prefs"), Auth::start(), Auth::start());
    let listed = |auth: &str| format!("{}auth_internal_url = \"{auth}\"\n", prefs(&upstream.url));
    let (first, keys) = (listed(&auth.url), key(9));
    let gateway = spawn_bare(auth, &first, &[("GATEWAY__TOKEN__KEYS", &keys)]).await;
    gateway.apply(&listed(&elsewhere.url)).await;
    let key = elsewhere.api_key();
    assert_eq!(gateway.gateway.get_with(NAME, &key).send().await.unwrap().status(), 200);
    assert_eq!((gateway.auth.exchanges(), elsewhere.exchanges()), (0, 1));
}
