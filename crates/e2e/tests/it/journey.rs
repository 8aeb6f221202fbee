//! What a stranger does first, and what an operator sees of it.

use e2e::{Plinth, Somebody, code, refused};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

#[tokio::test]
async fn a_stranger_walks_the_main_flow() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let me = ada.auth.me(ada.token()).await.unwrap();
    assert_eq!(me.email, ada.email);
    verifies_elsewhere(&plinth, ada.token().expose()).await;
    preferences(&ada).await;
    keys(&ada).await;
    one_request_has_one_name_everywhere(&plinth, &ada).await;
    let next = ada.auth.refresh(&ada.tokens.refresh_token).await.unwrap();
    ada.auth.logout(&next.access_token).await.unwrap();
    assert_eq!(refused(ada.auth.refresh(&next.refresh_token).await), code(401, "session_ended"));
    documents(&plinth).await;
}

/// By the published keys alone, without any code of ours.
async fn verifies_elsewhere(plinth: &Plinth, token: &str) {
    let discovery: Value = get(plinth, "/.well-known/openid-configuration").await.json().await.unwrap();
    assert_eq!(discovery["issuer"], plinth.url());
    let keys = testing::http().get(discovery["jwks_uri"].as_str().unwrap()).send().await.unwrap();
    let keys: JwkSet = keys.json().await.unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_audience(&["plinth"]);
    rules.set_issuer(&[plinth.url()]);
    assert!(jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok());
}

async fn preferences(ada: &Somebody) {
    let appearance = "appearance".parse().unwrap();
    let token = ada.token().expose();
    let read = ada.prefs.document(token, &appearance).await.unwrap();
    let patch = json!({ "theme": "dark" }).as_object().unwrap().clone();
    let written = ada.prefs.patch_document(token, &appearance, &read.etag, &patch).await.unwrap();
    assert_eq!(written.value["theme"], "dark");
    let stale = ada.prefs.patch_document(token, &appearance, &read.etag, &patch).await;
    assert_eq!(refused(stale).0, 412);
}

async fn keys(ada: &Somebody) {
    let key = ada.api_key(&["prefs:read"]).await;
    let appearance = "appearance".parse().unwrap();
    let read = ada.prefs.document(key.expose(), &appearance).await.unwrap();
    assert_eq!(read.value["theme"], "dark");
    let written = ada.prefs.reset_document(key.expose(), &appearance, &read.etag).await;
    assert_eq!(refused(written), code(403, "insufficient_scope"));
    let mut wrong = key.expose().to_owned();
    wrong.replace_range(wrong.len() - 1.., if wrong.ends_with('0') { "1" } else { "0" });
    assert_eq!(refused(ada.prefs.document(&wrong, &appearance).await).0, 401);
}

async fn one_request_has_one_name_everywhere(plinth: &Plinth, ada: &Somebody) {
    let reply = testing::http()
        .get(format!("{}/api/v1/prefs/no-such-namespace", plinth.url()))
        .bearer_auth(ada.token().expose())
        .header("x-request-id", "from-the-front-end.1")
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 404);
    assert_eq!(reply.headers()["x-request-id"], "from-the-front-end.1");
    let problem: Value = reply.json().await.unwrap();
    assert_eq!(problem["request_id"], "from-the-front-end.1");
}

/// The merged document is whole, and the pages load nothing from elsewhere.
async fn documents(plinth: &Plinth) {
    let document: Value = get(plinth, "/openapi.json").await.json().await.unwrap();
    for path in ["/api/v1/auth/login", "/api/v1/prefs/{namespace}", "/status"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(&format!("/{reference}")).is_some(), "{reference} points nowhere");
    }
    for page in ["/docs/", "/docs/problems"] {
        let html = get(plinth, page).await.text().await.unwrap();
        for attribute in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
            assert!(!html.contains(attribute), "{page} loads something from elsewhere");
        }
    }
}

async fn get(plinth: &Plinth, path: &str) -> reqwest::Response {
    let reply = testing::http().get(format!("{}{path}", plinth.url())).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{path}");
    reply
}
