//! Bad input of every kind: the right problem, and nothing changed.

use contract_auth::routes;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::spawn::{Auth, spawn};

struct Case {
    name: &'static str,
    method: Method,
    path: &'static str,
    content_type: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
}

fn case(name: &'static str, body: impl Into<Vec<u8>>, status: u16, code: &'static str) -> Case {
    let (method, path, content_type) = (Method::PATCH, "/api/v1/auth/me", "application/json");
    Case { name, method, path, content_type, body: body.into(), status, code }
}

fn get(name: &'static str, path: &'static str, status: u16, code: &'static str) -> Case {
    Case { method: Method::GET, path, ..case(name, "", status, code) }
}

fn post(path: &'static str, body: &str, status: u16, code: &'static str) -> Case {
    Case { method: Method::POST, path, ..case(path, body, status, code) }
}

fn delete(path: &'static str, status: u16, code: &'static str) -> Case {
    Case { method: Method::DELETE, path, ..case(path, "", status, code) }
}

fn bodies() -> Vec<Case> {
    let deep = format!(r#"{{"metadata": {}{}}}"#, r#"{"x":"#.repeat(5000), "}".repeat(5000));
    vec![
        case("no body", "", 400, "json_malformed"),
        case("half a body", r#"{"name": "#, 400, "json_malformed"),
        case("two bodies", r#"{} {}"#, 400, "json_malformed"),
        case("deep", deep, 400, "json_malformed"),
        case("a number out of range", r#"{"metadata": {"x": 1e999}}"#, 400, "json_malformed"),
        case("no UTF-8", b"{\"name\": \"\xff\xfe\"}".to_vec(), 400, "json_malformed"),
        case("a lone surrogate", r#"{"name": "\ud800"}"#, 400, "json_malformed"),
        case("wrong type", r#"{"name": 7}"#, 422, "invalid_fields"),
        case("an array", "[]", 422, "invalid_fields"),
        case("unknown field", r#"{"nam": "x"}"#, 422, "invalid_fields"),
        case("NUL", r#"{"name": "a\u0000b"}"#, 422, "invalid_fields"),
        case("NUL deep inside", r#"{"metadata": {"a": [{"b": "\u0000"}]}}"#, 422, "invalid_fields"),
        case("NUL in a key", r#"{"metadata": {"a\u0000": 1}}"#, 422, "invalid_fields"),
        case("3 MB", vec![b' '; 3 << 20], 413, "body_too_large"),
        Case { content_type: "text/plain", ..case("text", "{}", 415, "media_type_unsupported") },
        Case { content_type: "application/xml", ..case("XML", "<a/>", 415, "media_type_unsupported") },
        Case { method: Method::PUT, ..case("wrong method", "{}", 405, "method_not_allowed") },
    ]
}

fn tokens_and_addresses() -> Vec<Case> {
    vec![
        post(routes::PASSWORD_FORGOT, r#"{"email": "ada＠example.com"}"#, 422, "invalid_fields"),
        post(routes::MAGIC_LINK, r#"{"email": 7}"#, 422, "invalid_fields"),
        post(routes::EMAIL_CHANGE, r#"{"email": "lovelace＠example.com"}"#, 422, "invalid_fields"),
        post(routes::VERIFY_EMAIL, r#"{"token": "plt_x", "verified": true}"#, 422, "invalid_fields"),
        post(routes::EMAIL_CONFIRM, r#"{"token": "plt_x"}"#, 401, "one_time_token_invalid"),
        post(routes::PASSWORD_RESET, r#"{"token": "", "new_password": "x"}"#, 401, "one_time_token_invalid"),
        post(routes::MAGIC_LINK_VERIFY, r#"{"token": "plr_x"}"#, 401, "one_time_token_invalid"),
    ]
}

fn paths() -> Vec<Case> {
    vec![
        get("unknown path", "/api/v1/auth/nothing", 404, "path_not_found"),
        get("the root", "/", 404, "path_not_found"),
        get("limit 0", "/api/v1/auth/sessions?limit=0", 400, "limit_out_of_range"),
        get("limit 101", "/api/v1/auth/sessions?limit=101", 400, "limit_out_of_range"),
        get("limit of letters", "/api/v1/auth/sessions?limit=x", 400, "query_malformed"),
        get("unknown query", "/api/v1/auth/sessions?offset=1", 400, "query_malformed"),
        get("bad cursor", "/api/v1/auth/api-keys?cursor=AAAA", 400, "cursor_invalid"),
        get("an organisation's limit", "/api/v1/orgs?limit=0", 400, "limit_out_of_range"),
        get("no organisation", "/api/v1/orgs/nonsense", 404, "path_not_found"),
        get("an unknown one", "/api/v1/orgs/org_01h455vb4pex5vsknk084sn02q", 404, "organization_not_found"),
        get(
            "a resource that is no id",
            "/api/v1/orgs/org_01h455vb4pex5vsknk084sn02q/resources/agent-7/permissions",
            404,
            "path_not_found",
        ),
        post(
            "/api/v1/auth/check",
            r#"{"permission": "agents:read", "resource": "x"}"#,
            422,
            "invalid_fields",
        ),
        post("/api/v1/orgs", r#"{"name": "https://evil.example"}"#, 422, "invalid_fields"),
        delete("/api/v1/auth/sessions/nonsense", 404, "path_not_found"),
        delete("/api/v1/auth/sessions/key_01h455vb4pex5vsknk084sn02q", 404, "path_not_found"),
        delete("/api/v1/auth/sessions/ses_01h455vb4pex5vsknk084sn02q", 404, "session_not_found"),
    ]
}

fn cases() -> Vec<Case> {
    [bodies(), tokens_and_addresses(), paths()].into_iter().flatten().collect()
}

#[actix_web::test]
async fn bad_input_is_a_problem_that_says_what_to_mend_and_changes_nothing() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let before = snapshot(&auth).await;
    for Case { name, method, path, content_type, body, status, code } in cases() {
        let request = testing::http()
            .request(method, format!("{}{path}", auth.base))
            .bearer_auth(ada.inward.expose())
            .header("content-type", content_type)
            .header("x-request-id", "a-test")
            .body(body);
        let reply = request.send().await.unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(reply.status().as_u16(), status, "{name}");
        assert_eq!(reply.headers()["content-type"], "application/problem+json", "{name}");
        assert_eq!(reply.headers()["x-request-id"], "a-test", "{name}");
        if status == 405 {
            assert_eq!(reply.headers()["allow"], "GET, DELETE, PATCH", "{name}");
        }
        let problem: Value = reply.json().await.unwrap();
        assert_eq!(
            (problem["code"].as_str(), problem["request_id"].as_str()),
            (Some(code), Some("a-test")),
            "{name}: {problem}"
        );
        assert_eq!(problem["status"], status, "{name}");
        if status == 422 {
            assert!(problem["errors"][0]["pointer"].is_string(), "{name}: {problem}");
        }
    }
    assert_eq!(snapshot(&auth).await, before);
}

async fn snapshot(auth: &Auth) -> String {
    let rows = auth.db.connect().await.query("SELECT users::text FROM users", &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect()
}

#[actix_web::test]
async fn health_is_on_both_listeners_and_metrics_only_inside() {
    let auth = spawn().await;
    let get = async |url: String| testing::http().get(url).send().await.unwrap();
    for base in [&auth.base, &auth.internal_base] {
        assert_eq!(get(format!("{base}/healthz")).await.status(), StatusCode::OK);
        assert_eq!(get(format!("{base}/readyz")).await.status(), StatusCode::OK);
    }
    assert_eq!(get(format!("{}/metrics", auth.base)).await.status(), StatusCode::NOT_FOUND);
    let metrics = get(format!("{}/metrics", auth.internal_base)).await.text().await.unwrap();
    assert!(metrics.contains("http_server_request_duration_seconds_bucket"), "{metrics}");
    assert!(!metrics.contains("plr_") && !metrics.contains("ses_"));
}

#[actix_web::test]
async fn a_media_type_is_taken_in_any_spelling() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for content_type in ["application/json", "Application/JSON", "application/json; charset=utf-8"] {
        let patch = testing::http().patch(format!("{}/api/v1/auth/me", auth.base));
        let patch = patch.bearer_auth(ada.inward.expose()).header("content-type", content_type).body("{}");
        assert_eq!(patch.send().await.unwrap().status(), 200, "{content_type}");
    }
}

#[actix_web::test]
async fn head_is_a_get_without_the_body() {
    let auth = spawn().await;
    for path in ["/.well-known/jwks.json", "/healthz", "/api/v1/auth/openapi.json"] {
        let url = format!("{}{path}", auth.base);
        let get = testing::http().get(&url).send().await.unwrap();
        let head = testing::http().head(&url).send().await.unwrap();
        assert_eq!(head.status(), get.status(), "{path}");
        assert_eq!(head.headers()["content-length"], get.headers()["content-length"], "{path}");
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
}

#[actix_web::test]
async fn a_service_whose_schema_is_behind_is_not_ready() {
    let auth = spawn().await;
    auth.sql("DELETE FROM __diesel_schema_migrations WHERE version = '20261120000003'").await;
    let reply = testing::http().get(format!("{}/readyz", auth.base)).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem: Value = reply.json().await.unwrap();
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("schema is behind"), "{problem}");
}
