//! Every operation of the merged document × callers who may not call it.

use e2e::{Plinth, Somebody};
use reqwest::Method;
use serde_json::Value;

/// What anybody may call. Everything else needs a credential.
const PUBLIC: [&str; 20] = [
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/mfa/verify",
    "POST /api/v1/auth/verify-email",
    "POST /api/v1/auth/email/confirm",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/magic-link",
    "POST /api/v1/auth/magic-link/verify",
    "GET /.well-known/jwks.json",
    "GET /.well-known/openid-configuration",
    "GET /",
    "GET /status",
    "GET /docs",
    "GET /docs/problems",
    "GET /openapi.json",
    "GET /docs/{file}",
    // Providers sign what they send; the page shows nothing without the token of a link.
    "POST /api/v1/hooks/{source}",
    "GET /api/v1/webhooks/portal",
];

/// What every credential may do, whatever its scopes.
const UNSCOPED: [&str; 1] = ["POST /api/v1/auth/ws-ticket"];

#[tokio::test]
async fn no_operation_is_reachable_without_a_rule() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    // A scope that no operation needs.
    let powerless = ada.api_key(&["orders:read"]).await;
    let document = testing::http().get(format!("{}/openapi.json", plinth.url())).send().await.unwrap();
    let document: Value = document.json().await.unwrap();
    let mut guarded = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            let public = PUBLIC.contains(&name.as_str());
            assert_eq!(operation["security"].is_null(), public, "{name}: the document disagrees");
            if public {
                continue;
            }
            guarded += 1;
            let call = async |credential: Option<&str>| status(&plinth, method, path, credential).await;
            assert_eq!(call(None).await, 401, "{name} without a credential");
            assert_eq!(call(Some("nonsense")).await, 401, "{name} with nonsense");
            assert_eq!(call(Some(&forged(ada.token().expose()))).await, 401, "{name} with a forged token");
            let powerless = call(Some(powerless.expose())).await;
            let wanted = if UNSCOPED.contains(&name.as_str()) { 200 } else { 403 };
            assert_eq!(powerless, wanted, "{name} with a key without the scope");
        }
    }
    assert!(guarded >= 18, "only {guarded} operations were found");
}

#[tokio::test]
async fn what_is_inside_stays_inside() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    for path in [
        "/internal/v1/auth/token",
        "/internal/v1/auth/jwks.json",
        "/internal/v1/gateway/jwks.json",
        "/metrics",
        "/api/v1/orders",
        "/api/v1/authx/me",
        "/nothing",
    ] {
        for credential in [None, Some(ada.token().expose())] {
            assert_eq!(status(&plinth, "get", path, credential).await, 404, "{path}");
        }
    }
    for path in
        ["/api/v1/auth/../auth/me", "/api/v1/auth/%2e%2e/me", "/api/v1//auth/me", "/api/v1/auth/me%00"]
    {
        let reply =
            raw(&plinth, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert!(reply.starts_with("HTTP/1.1 400") || reply.starts_with("HTTP/1.1 404"), "{path}: {reply}");
    }
}

async fn raw(plinth: &Plinth, request: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = plinth.url().trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

/// A real token with another signature.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other: String = signature.chars().rev().collect();
    format!("{signed}.{other}")
}

async fn status(plinth: &Plinth, method: &str, path: &str, credential: Option<&str>) -> u16 {
    let kind = match path {
        path if path.contains("/jobs/") => "job",
        path if path.contains("/exports/") => "exp",
        path if path.contains("/experiments/") => "xpt",
        _ => "ses",
    };
    let id = format!("{kind}_01h455vb4pex5vsknk084sn02q");
    let path = path.replace("{namespace}", "appearance").replace("{key}", "nothing").replace("{id}", &id);
    let path = path.replace("{name}", "clerk");
    let path = path.replace("{user_id}", &id.replace(kind, "usr")).replace("{resource}", &id);
    let path = path.replace("{invitation_id}", &id.replace(kind, "inv"));
    let method: Method = method.to_uppercase().parse().unwrap();
    let mut request = testing::http().request(method.clone(), format!("{}{path}", plinth.url()));
    if let Some(credential) = credential {
        request = request.bearer_auth(credential);
    }
    if [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
        request = request.header("content-type", "application/json").body("{}");
    }
    request.send().await.unwrap().status().as_u16()
}
