//! The guide "Protect your own service": its programs are run beside a Plinth, and take
//! its tokens and nothing else. What is forged here is signed with the very key of auth
//! wherever a signature is not what is wrong.

pub(crate) mod programs;
mod signer;

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD as BASE64;
use e2e::{Plinth, Somebody};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use programs::{Program, start_all};
use signer::{Signer, rotate};

/// A status, and the error that the challenge names.
type Answer = (u16, Option<String>);

fn answer(status: u16, error: &str) -> Answer {
    (status, (!error.is_empty()).then(|| error.to_owned()))
}

async fn ask(program: &Program, method: Method, token: Option<&str>) -> Answer {
    let mut request = testing::http().request(method, format!("{}/report", program.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let reply = request.send().await.unwrap();
    let challenge = reply.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(challenge.is_some(), matches!(reply.status().as_u16(), 401 | 403), "{}", program.name);
    let error = challenge.and_then(|text| Some(text.split_once("error=\"")?.1.split_once('"')?.0.to_owned()));
    (reply.status().as_u16(), error)
}

/// What is wrong, and the token.
async fn forgeries(plinth: &Plinth, signer: &Signer, good: &str) -> Vec<(&'static str, String)> {
    let claims: Value = part(good, 1);
    let header: Value = part(good, 0);
    let now = claims["iat"].as_i64().unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        changed
    };
    let without = |name: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().remove(name);
        changed
    };
    let head = |name: &str, value: &str| {
        let mut changed = header.clone();
        changed[name] = json!(value);
        changed
    };
    let stranger = Signer::stranger();
    let mut own_key = header.clone();
    own_key["jwk"] = stranger.public_jwk();
    vec![
        ("no token", "nonsense".to_owned()),
        ("expired", signer.sign(&header, &with("exp", json!(now - 60)))),
        ("without end", signer.sign(&header, &without("exp"))),
        ("of another service's audience", signer.sign(&header, &with("aud", json!("prefs")))),
        ("without audience", signer.sign(&header, &without("aud"))),
        ("of another issuer", signer.sign(&header, &with("iss", json!("https://evil.example.com")))),
        ("without issuer", signer.sign(&header, &without("iss"))),
        ("for nobody", signer.sign(&header, &without("sub"))),
        ("for a service", signer.sign(&header, &with("sub", json!("service:prefs")))),
        ("of another type", signer.sign(&head("typ", "JWT"), &claims)),
        ("without algorithm", unsigned(&head("alg", "none"), &claims)),
        ("by the public key as a secret", signer.sign_hs256(&head("alg", "HS256"), &claims)),
        ("of a stranger's key", stranger.sign(&header, &claims)),
        ("of a key that it brings along", stranger.sign(&own_key, &claims)),
        ("of an unknown key", stranger.sign(&head("kid", "unknown"), &claims)),
        ("changed after it was signed", swapped(good, &with("scope", json!("orders:read orders:admin")))),
        ("of a service, as auth makes it", service_token(plinth).await),
    ]
}

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&BASE64.decode(token.split('.').nth(at).unwrap().as_bytes()).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    BASE64.encode(value.to_string().as_bytes())
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}.", encoded(header), encoded(claims))
}

fn swapped(token: &str, claims: &Value) -> String {
    let parts: Vec<_> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], encoded(claims), parts[2])
}

/// Where auth's internal listener is.
fn internal(plinth: &Plinth) -> String {
    plinth.endpoints().unwrap()["services"]["auth"]["internal_url"].as_str().unwrap().to_owned()
}

/// A service's own, from auth's internal listener.
async fn service_token(plinth: &Plinth) -> String {
    let base = internal(plinth);
    let reply = testing::http()
        .post(format!("{base}/internal/v1/auth/token"))
        .basic_auth("gateway", plinth.secrets()["gateway_client"].as_str())
        .form(&[("grant_type", "client_credentials"), ("audience", "prefs")])
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    reply.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_programs_of_the_guide_take_plinths_tokens_and_nothing_else() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let signer = Signer::of(&plinth).await;
    let good = ada.token().expose();
    let forged = forgeries(&plinth, &signer, good).await;
    let mut lesser: Value = part(good, 1);
    lesser["scope"] = json!("prefs:read orders:reader");
    let lesser = signer.sign(&part(good, 0), &lesser);
    for program in start_all(&plinth).await {
        let name = program.name;
        assert_eq!(ask(&program, Method::GET, Some(good)).await, answer(200, ""), "{name}: a good token");
        let remade = signer.sign(&part(good, 0), &part(good, 1));
        assert_eq!(
            ask(&program, Method::GET, Some(&remade)).await,
            answer(200, ""),
            "{name}: the forger works"
        );
        assert_eq!(ask(&program, Method::GET, None).await, answer(401, ""), "{name}: no token");
        for (what, token) in &forged {
            let found = ask(&program, Method::GET, Some(token)).await;
            assert_eq!(found, answer(401, "invalid_token"), "{name}: {what}");
        }
        let found = ask(&program, Method::GET, Some(&lesser)).await;
        assert_eq!(found, answer(403, "insufficient_scope"), "{name}: without the scope");
        assert_eq!(ask(&program, Method::GET, Some(good)).await, answer(200, ""), "{name}: still good");
    }
}

#[tokio::test]
async fn what_asks_plinth_feels_a_logout_at_once() {
    let plinth = Plinth::start().await;
    let programs = start_all(&plinth).await;
    let ada = Somebody::arrive(&plinth).await;
    let token = ada.token().expose();
    for program in &programs {
        assert_eq!(ask(program, Method::DELETE, Some(token)).await, answer(204, ""), "{}", program.name);
    }
    ada.auth.logout(ada.token()).await.unwrap();
    for program in &programs {
        let name = program.name;
        let found = ask(program, Method::DELETE, Some(token)).await;
        assert_eq!(found, answer(401, "invalid_token"), "{name}: it asked");
        assert_eq!(
            ask(program, Method::GET, Some(token)).await,
            answer(200, ""),
            "{name}: good for 5 minutes"
        );
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_made_up_ones_are_not_looked_for_each_time() {
    let plinth = Plinth::start().await;
    let programs = start_all(&plinth).await;
    let ada = Somebody::arrive(&plinth).await;
    let good = ada.token().expose();
    let mut header = part(good, 0);
    header["kid"] = json!("made-up");
    let unknown = Signer::stranger().sign(&header, &part(good, 1));
    for program in &programs {
        assert_eq!(ask(program, Method::GET, Some(good)).await.0, 200, "{}", program.name);
        let before = key_requests(&plinth).await;
        assert!(before >= 1, "{} asked once", program.name);
        join_all((0..30).map(|_| ask(program, Method::GET, Some(&unknown)))).await;
        assert!(key_requests(&plinth).await - before <= 1, "{} asked too often", program.name);
    }
    let old = part(good, 0)["kid"].clone();
    rotate(&plinth);
    let rotated = until_another_key(&ada, &old).await;
    for program in &programs {
        until_accepted(program, &rotated).await;
    }
}

/// How often auth was asked for its public keys.
async fn key_requests(plinth: &Plinth) -> u64 {
    let base = internal(plinth);
    let text = testing::http().get(format!("{base}/metrics")).send().await.unwrap().text().await.unwrap();
    let of_keys = |line: &&str| {
        line.starts_with("http_server_request_duration_seconds_count")
            && line.contains("/.well-known/jwks.json")
    };
    text.lines().filter(of_keys).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// A token that the next key signed.
async fn until_another_key(ada: &Somebody, old: &Value) -> String {
    for _ in 0..300 {
        let token = ada.log_in_again().await.unwrap().access_token;
        if part(token.expose(), 0)["kid"] != *old {
            return token.expose().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the key does not change");
}

async fn until_accepted(program: &Program, token: &str) {
    for _ in 0..300 {
        if ask(program, Method::GET, Some(token)).await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} does not find the new key", program.name);
}

#[test]
fn the_page_shows_what_is_run() {
    let folder = programs::folder();
    let page = std::fs::read_to_string(folder.with_extension("md")).unwrap();
    for file in ["rust/plinth_tokens.rs", "node/plinth-tokens.mjs", "python/plinth_tokens.py"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(page.contains(&format!("\n{text}```\n")), "the page shows another {file}");
    }
}
