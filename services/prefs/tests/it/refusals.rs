//! Bad input of every kind gives the right problem and changes nothing.

use contract_prefs::MERGE_PATCH;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::spawn::{Prefs, document, spawn};

/// Sends a body as it is.
async fn send(
    prefs: &Prefs,
    method: Method,
    path: &str,
    media_type: &str,
    body: impl Into<reqwest::Body>,
) -> Response {
    let request = prefs.http.request(method, format!("{}{path}", prefs.base)).bearer_auth(prefs.admin());
    let request = request.header("if-match", "*").header("content-type", media_type);
    request.body(body).send().await.unwrap()
}

async fn assert_problem(reply: Response, status: u16, code: &str, what: &str) {
    assert_eq!(reply.status().as_u16(), status, "{what}");
    assert_eq!(reply.headers()["content-type"], "application/problem+json", "{what}");
    let problem: Value = reply.json().await.unwrap();
    assert_eq!(problem["code"], code, "{what}");
    assert_eq!(problem["status"], status, "{what}");
}

#[actix_web::test]
async fn bodies_that_are_no_document_are_refused() {
    let prefs = spawn().await;
    let owner = prefs.user();
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_document(&owner, &"appearance".parse().unwrap(), "*", &dark).await.unwrap();
    let before = prefs.stored().await;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
    let large = format!(r#"{{"a": "{}"}}"#, "x".repeat(3 << 20));
    let bodies: [(&[u8], u16, &str); 12] = [
        (b"", 400, "json_malformed"),
        (b"{", 400, "json_malformed"),
        (b"{\"theme\": \"dark\"} {}", 400, "json_malformed"),
        (b"{\"theme\": \"\xff\"}", 400, "json_malformed"),
        (b"{\"theme\": \"\\ud800\"}", 400, "json_malformed"),
        (b"{\"font_size\": 1e999}", 400, "json_malformed"),
        (deep.as_bytes(), 400, "json_malformed"),
        (b"[]", 422, "invalid_fields"),
        (b"null", 422, "invalid_fields"),
        (b"\"dark\"", 422, "invalid_fields"),
        (b"{\"theme\": \"\\u0000\"}", 422, "invalid_fields"),
        (large.as_bytes(), 413, "body_too_large"),
    ];
    for (body, status, code) in bodies {
        for (method, media_type) in [(Method::PUT, "application/json"), (Method::PATCH, MERGE_PATCH)] {
            let what = format!("{method}: {}", String::from_utf8_lossy(&body[..body.len().min(40)]));
            let reply = send(&prefs, method, "/api/v1/prefs/appearance", media_type, body.to_vec()).await;
            assert_problem(reply, status, code, &what).await;
        }
    }
    assert_eq!(prefs.stored().await, before);
    let held = prefs.client.document(&owner, &"appearance".parse().unwrap()).await.unwrap();
    assert_eq!(held.etag, "\"1.0.1\"");
}

#[actix_web::test]
async fn bodies_that_are_no_namespace_are_refused() {
    let prefs = spawn().await;
    let path = "/api/v1/admin/prefs/namespaces/appearance";
    let deep = format!(r#"{{"schema": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let large = format!(r#"{{"schema": "{}"}}"#, "x".repeat(3 << 20));
    let bodies: [(&[u8], u16, &str); 9] = [
        (b"", 400, "json_malformed"),
        (b"{\"schema\"", 400, "json_malformed"),
        (b"{\"description\": \"\xff\"}", 400, "json_malformed"),
        (deep.as_bytes(), 400, "json_malformed"),
        (b"[]", 422, "invalid_fields"),
        (b"{\"schema\": {}}", 422, "invalid_fields"),
        (b"{\"schema\": {}, \"defaults\": []}", 422, "invalid_fields"),
        (b"{\"schema\": {\"title\": \"\\u0000\"}, \"defaults\": {}}", 422, "invalid_fields"),
        (large.as_bytes(), 413, "body_too_large"),
    ];
    for (body, status, code) in bodies {
        let what = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let reply = send(&prefs, Method::PUT, path, "application/json", body.to_vec()).await;
        assert_problem(reply, status, code, &what).await;
    }
    let body = json!({"schema": {}, "defaults": {}, "locked": true}).to_string();
    let reply = send(&prefs, Method::PUT, path, "application/json", body).await;
    let problem: Value = reply.json().await.unwrap();
    assert_eq!(
        (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
        (&json!("/locked"), &json!("unknown_field"))
    );
}

#[actix_web::test]
async fn other_media_types_are_refused_by_name() {
    let prefs = spawn().await;
    for (method, media_type) in [
        (Method::PUT, "text/plain"),
        (Method::PUT, MERGE_PATCH),
        (Method::PUT, "application/x-www-form-urlencoded"),
        (Method::PATCH, "application/json"),
        (Method::PATCH, "application/json-patch+json"),
    ] {
        let wanted = if method == Method::PUT { "application/json" } else { MERGE_PATCH };
        let reply = send(&prefs, method, "/api/v1/prefs/locale", media_type, "{}").await;
        assert_eq!(reply.status(), 415, "{media_type}");
        let problem: Value = reply.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(wanted), "{problem}");
    }
    assert_eq!(prefs.stored().await, "");
}

#[actix_web::test]
async fn paths_and_queries_that_are_none_are_refused() {
    let prefs = spawn().await;
    for (path, status, code) in [
        ("/api/v1/prefs/nowhere", 404, "namespace_not_found"),
        ("/api/v1/prefs/Appearance", 404, "path_not_found"),
        ("/api/v1/prefs/a%00b", 404, "path_not_found"),
        ("/api/v1/prefs/%ff", 404, "path_not_found"),
        ("/api/v1/prefs/..%2fadmin", 404, "path_not_found"),
        ("/api/v1/prefs/appearance/theme", 404, "path_not_found"),
        ("/api/v1/prefs/", 404, "path_not_found"),
        ("/api/v1/preferences", 404, "path_not_found"),
        ("/api/v1/admin/prefs/namespaces/nowhere", 404, "namespace_not_found"),
        ("/api/v1/prefs?provenance=maybe", 400, "query_malformed"),
        ("/api/v1/prefs?layer=user", 400, "query_malformed"),
        ("/api/v1/admin/prefs/namespaces?limit=0", 400, "limit_out_of_range"),
        ("/api/v1/admin/prefs/namespaces?limit=101", 400, "limit_out_of_range"),
        ("/api/v1/admin/prefs/namespaces?limit=many", 400, "query_malformed"),
        ("/api/v1/admin/prefs/namespaces?cursor=x", 400, "cursor_invalid"),
        ("/api/v1/admin/prefs/namespaces?page=2", 400, "query_malformed"),
    ] {
        let reply = prefs.http.get(format!("{}{path}", prefs.base)).bearer_auth(prefs.admin());
        assert_problem(reply.send().await.unwrap(), status, code, path).await;
    }
}

#[actix_web::test]
async fn other_methods_are_refused_with_those_that_there_are() {
    let prefs = spawn().await;
    for (method, path, allowed) in [
        (Method::POST, "/api/v1/prefs", "GET, DELETE"),
        (Method::POST, "/api/v1/prefs/appearance", "GET, PUT, DELETE, PATCH"),
        (Method::DELETE, "/api/v1/admin/prefs/namespaces/appearance", "GET, PUT"),
        (Method::PATCH, "/api/v1/admin/prefs/namespaces", "GET"),
    ] {
        let reply = send(&prefs, method, path, "application/json", "{}").await;
        assert_eq!(reply.headers()["allow"], allowed);
        assert_problem(reply, 405, "method_not_allowed", path).await;
    }
}

#[actix_web::test]
async fn the_openapi_document_and_health_are_there_without_a_credential() {
    let prefs = spawn().await;
    let get = async |path: &str| prefs.http.get(format!("{}{path}", prefs.base)).send().await.unwrap();
    let served: Value = get("/api/v1/prefs/openapi.json").await.json().await.unwrap();
    assert_eq!(served, serde_json::to_value(prefs::openapi()).unwrap());
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 200);
}
