use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use identity::{Claims, GATEWAY_ISSUER, SigningKey};
use ids::Timestamp;
use serde_json::{Value, json};

use crate::{
    auth::claims,
    spawn::{problem, spawn, spawn_with},
};

const PATH: &str = "/api/v1/prefs";

#[actix_web::test]
async fn the_inward_token_says_the_same_for_one_service_and_a_minute() {
    let world = spawn().await;
    let outer = claims();
    let response = world.gateway.get_with(PATH, &world.auth.sign(&outer)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let inward = world.upstream.last().claims();
    let outer_json = serde_json::to_value(&outer).unwrap();
    for same in ["sub", "org", "scope", "roles", "ver", "sid"] {
        assert_eq!(inward[same], outer_json[same], "{same}");
    }
    assert_eq!((&inward["iss"], &inward["aud"]), (&json!(GATEWAY_ISSUER), &json!("prefs")));
    assert_ne!(inward["jti"], outer_json["jti"]);
    let left = inward["exp"].as_i64().unwrap() - Timestamp::now().unix_seconds();
    assert!((55..=60).contains(&left), "{left} s");
}

#[actix_web::test]
async fn the_inward_token_is_proven_by_the_keys_that_the_gateway_publishes() {
    let world = spawn().await;
    world.gateway.get_with(PATH, &world.auth.token()).send().await.unwrap();
    let seen = world.upstream.last();
    let token = seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    let url = format!("http://{}/internal/v1/gateway/jwks.json", world.gateway.internal);
    let keys: Value = testing::http().get(url).send().await.unwrap().json().await.unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == json!(header.kid)).unwrap();
    let key = jsonwebtoken::DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    rules.set_audience(&["prefs"]);
    jsonwebtoken::decode::<Claims>(&token, &key, &rules).unwrap();
}

#[actix_web::test]
async fn the_first_key_signs_and_all_are_published() {
    let keys = format!("{},{}", BASE64.encode(&[5; 32]), BASE64.encode(&[9; 32]));
    let world = spawn_with(&[("GATEWAY__TOKEN__KEYS", &keys)]).await;
    world.gateway.get_with(PATH, &world.auth.token()).send().await.unwrap();
    let token = world.upstream.last().header("authorization").unwrap()["Bearer ".len()..].to_owned();
    let kids = [[5; 32], [9; 32]].map(|seed| SigningKey::from_seed(&seed).unwrap().kid().to_owned());
    assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid.as_ref(), Some(&kids[0]));
    let url = format!("http://{}/internal/v1/gateway/jwks.json", world.gateway.internal);
    let published: Value = testing::http().get(url).send().await.unwrap().json().await.unwrap();
    let published = published["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap());
    assert_eq!(published.collect::<Vec<_>>(), kids);
}

#[actix_web::test]
async fn the_inward_token_is_used_again_but_not_by_another_or_elsewhere() {
    let world = spawn().await;
    let token = world.auth.token();
    let (same, other) = ((PATH, &token), (PATH, &world.auth.token()));
    for (path, token) in [same, same, other, ("/api/v1/auth/me", &token)] {
        world.gateway.get_with(path, token).send().await.unwrap();
    }
    let seen = world.upstream.seen();
    let tokens: Vec<&str> = seen.iter().map(|seen| seen.header("authorization").unwrap()).collect();
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[0], tokens[2]);
    assert_ne!(tokens[0], tokens[3]);
    assert_eq!(seen[3].claims()["aud"], "auth");
}

#[actix_web::test]
async fn the_inward_token_never_outlives_the_outer_one() {
    let world = spawn().await;
    let outer = Claims { exp: (Timestamp::now() + Duration::from_secs(20)).unix_seconds(), ..claims() };
    world.gateway.get_with(PATH, &world.auth.sign(&outer)).send().await.unwrap();
    assert_eq!(world.upstream.last().claims()["exp"], outer.exp);
}

#[actix_web::test]
async fn nobodys_request_goes_on_without_authorization() {
    let world = spawn().await;
    assert_eq!(world.gateway.get(PATH).send().await.unwrap().status(), 200);
    assert_eq!(world.upstream.last().header("authorization"), None);
}

#[actix_web::test]
async fn no_bad_token_reaches_a_service() {
    let world = spawn().await;
    let now = Timestamp::now().unix_seconds();
    let none = |claims: &Claims| {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!(
            "{}.{}.",
            part(json!({ "alg": "none", "typ": "at+jwt" })),
            part(serde_json::to_value(claims).unwrap())
        )
    };
    // RFC 8725 section 2.1: the public key as a shared secret.
    let confused = |claims: &Claims| {
        let jwk = serde_json::to_value(world.auth.state.key.public_jwk()).unwrap();
        let public = BASE64URL_NOPAD.decode(jwk["x"].as_str().unwrap().as_bytes()).unwrap();
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": jwk["kid"] });
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(serde_json::to_value(claims).unwrap()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
    };
    let good = claims();
    let inside = SigningKey::from_seed(&[9; 32]).unwrap();
    let inward = Claims { iss: GATEWAY_ISSUER.to_owned(), aud: "prefs".to_owned(), ..claims() };
    let bad = [
        ("alg none", none(&good), "token_invalid"),
        ("alg confused", confused(&good), "token_invalid"),
        ("for a service", world.auth.sign(&Claims { aud: "prefs".to_owned(), ..claims() }), "token_invalid"),
        (
            "of another",
            world.auth.sign(&Claims { iss: "https://evil.example".to_owned(), ..claims() }),
            "token_invalid",
        ),
        ("from inside", inside.sign(&inward).unwrap(), "token_invalid"),
        ("by the gateway's key", inside.sign(&good).unwrap(), "token_invalid"),
        (
            "of a service",
            world.auth.sign(&Claims { sub: "service:prefs".to_owned(), ..claims() }),
            "token_invalid",
        ),
        ("expired", world.auth.sign(&Claims { iat: now - 900, exp: now - 10, ..claims() }), "token_expired"),
        ("cut", world.auth.token()[..100].to_owned(), "token_invalid"),
        ("nonsense", "nonsense".to_owned(), "token_invalid"),
        ("long", "a".repeat(9000), "token_invalid"),
    ];
    for (what, token, code) in bad {
        assert_eq!(problem(world.gateway.get_with(PATH, &token)).await, (401, code.to_owned()), "{what}");
    }
    let response = world.gateway.get(PATH).header("authorization", "Basic YTpi").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert!(world.upstream.seen().is_empty(), "{:?}", world.upstream.seen());
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_fetches_the_set_once() {
    let world = spawn().await;
    let stranger = SigningKey::from_seed(&[77; 32]).unwrap();
    let flood = (0..50).map(|_| problem(world.gateway.get_with(PATH, &stranger.sign(&claims()).unwrap())));
    for answer in futures_util::future::join_all(flood).await {
        assert_eq!(answer, (401, "token_invalid".to_owned()));
    }
    assert_eq!(world.auth.keys_fetched(), 1);
    assert_eq!(world.gateway.get_with(PATH, &world.auth.token()).send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn two_credentials_are_one_too_many() {
    let world = spawn().await;
    let key = world.auth.api_key();
    let request = world.gateway.get_with(PATH, &world.auth.token()).header("x-api-key", key);
    assert_eq!(problem(request).await, (400, "credential_ambiguous".to_owned()));
}

#[actix_web::test]
async fn a_stale_token_does_not_keep_anybody_from_logging_in() {
    let world = spawn().await;
    for path in
        ["/api/v1/auth/login", "/api/v1/auth/refresh", "/.well-known/jwks.json", "/api/v1/prefs/openapi.json"]
    {
        let response = world.gateway.get_with(path, "stale").send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(world.upstream.last().header("authorization"), None, "{path}");
    }
}

#[actix_web::test]
async fn tokens_hold_while_auth_is_down() {
    let world = spawn().await;
    let token = world.auth.token();
    assert_eq!(world.gateway.get_with(PATH, &token).send().await.unwrap().status(), 200);
    world.auth.set_down(true);
    assert_eq!(world.gateway.get_with(PATH, &token).send().await.unwrap().status(), 200);
    assert_eq!(world.gateway.get_with(PATH, &world.auth.token()).send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn without_any_keys_a_token_is_503_and_not_401() {
    let world = spawn().await;
    world.auth.set_down(true);
    let response = world.gateway.get_with(PATH, &world.auth.token()).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
}
