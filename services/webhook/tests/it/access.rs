//! Who may do what: every operation of the OpenAPI document, tried by every kind of caller.

use std::collections::BTreeSet;

use contract_webhook::{EndpointId, MessageId, SourceId, routes};
use identity::Claims;
use ids::{ApiKeyId, JobId};
use reqwest::Method;
use serde_json::{Value, json};
use service_discovery::Service;
use testing::Person;

use crate::spawn::{ADMIN, WRITER, Webhook, spawn};

/// Who calls.
const CALLERS: [&str; 9] = [
    "anonymous",
    "owner",
    "colleague",
    "stranger",
    "admin",
    "reseller",
    "key without scope",
    "token for another service",
    "expired token",
];

/// The status of every cell of webhook's own operations, callers in the order of [`CALLERS`]. There
/// is no such endpoint, message or source, and no secret for auth.
const MATRIX: [(&str, &str, [u16; 9]); 35] = [
    ("GET", routes::ENDPOINTS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::ENDPOINTS, [401, 201, 201, 201, 201, 201, 403, 401, 401]),
    ("GET", routes::ENDPOINT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("PATCH", routes::ENDPOINT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("DELETE", routes::ENDPOINT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::SECRET, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::ROTATE_SECRET, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::ENABLE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::DISABLE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::TEST, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::RECOVER, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::REPLAY, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::STATS, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::EVENT_TYPES, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::EVENT_TYPES, [401, 201, 409, 201, 201, 201, 403, 401, 401]),
    ("GET", routes::EVENT_TYPE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("PUT", routes::EVENT_TYPE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("DELETE", routes::EVENT_TYPE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::MESSAGES, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::MESSAGES, [401, 202, 202, 202, 202, 202, 403, 401, 401]),
    ("GET", routes::MESSAGE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::ATTEMPTS, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::RESEND, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::DELIVERIES, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::POLL, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::SOURCES, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::SOURCES, [401, 201, 201, 201, 201, 201, 403, 401, 401]),
    ("GET", routes::SOURCE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("PATCH", routes::SOURCE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("DELETE", routes::SOURCE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::SOURCE_SECRET, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::RECEIVED, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::HOOK, [404; 9]),
    ("POST", routes::PORTAL_LINKS, [401, 503, 503, 503, 503, 503, 403, 401, 401]),
    ("GET", routes::PORTAL, [200; 9]),
];

/// The same of those that every service with jobs has. There is no such job.
const JOBS: [(&str, &str, [u16; 9]); 8] = [
    ("GET", contract_jobs::routes::JOB, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", contract_jobs::routes::JOB_EVENTS, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", contract_jobs::routes::CANCEL_JOB, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", contract_jobs::routes::ALL_JOBS, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("GET", contract_jobs::routes::JOB_COUNTS, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("GET", contract_jobs::routes::ANY_JOB, [401, 403, 403, 403, 404, 403, 403, 401, 401]),
    ("POST", contract_jobs::routes::RETRY_ANY_JOB, [401, 403, 403, 403, 404, 403, 403, 401, 401]),
    ("POST", contract_jobs::routes::CANCEL_ANY_JOB, [401, 403, 403, 403, 404, 403, 403, 401, 401]),
];

/// Those that do nothing that is kept, or answer with a secret, which is not.
const HARMLESS: [&str; 2] = [routes::TEST, routes::PORTAL_LINKS];

/// Every operation with its statuses.
fn matrix() -> Vec<(&'static str, String, [u16; 9])> {
    let own = MATRIX.iter().map(|(method, path, statuses)| (*method, (*path).to_owned(), *statuses));
    let of_webhook = |path| contract_jobs::routes::of(Service::Webhook, path);
    let jobs = JOBS.iter().map(|(method, path, statuses)| (*method, of_webhook(path), *statuses));
    own.chain(jobs).collect()
}

/// The operations of the service's OpenAPI document.
fn operations() -> BTreeSet<(String, String)> {
    let described = serde_json::to_value(webhook::openapi()).unwrap();
    let paths = described["paths"].as_object().unwrap();
    let methods = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let pairs = paths.iter().flat_map(|(path, item)| {
        methods(item).into_iter().map(move |method| (method.to_uppercase(), path.clone()))
    });
    pairs.collect()
}

fn pair(method: &str, path: &str) -> (String, String) {
    (method.to_owned(), path.to_owned())
}

/// The `Authorization` of each of [`CALLERS`].
fn credentials(webhook: &Webhook) -> [Option<String>; 9] {
    let owner = Person::with_scopes(WRITER);
    let with_role = |scopes: &str, role: &str| Person {
        roles: vec!["USER".to_owned(), role.to_owned()],
        ..Person::with_scopes(scopes)
    };
    let key = Person { sid: ApiKeyId::generate().to_string(), ..Person::with_scopes("auth:read") };
    let claims = webhook.issuer.claims(Service::Webhook, &owner);
    let expired = Claims { exp: claims.iat - 60, iat: claims.iat - 120, ..claims };
    [
        None,
        Some(webhook.token(&owner)),
        Some(webhook.token(&owner.colleague())),
        Some(webhook.token(&Person::with_scopes(WRITER))),
        Some(webhook.token(&with_role(ADMIN, "ADMIN"))),
        Some(webhook.token(&with_role(WRITER, "RESELLER"))),
        Some(webhook.token(&key)),
        Some(webhook.issuer.token(Service::Auth, &owner)),
        Some(webhook.issuer.sign(&expired)),
    ]
}

/// A request that is in order but for the caller.
fn request(webhook: &Webhook, method: &str, path: &str) -> reqwest::RequestBuilder {
    let id = if path.contains("/messages") {
        MessageId::generate().to_string()
    } else if path.contains("/sources") || path == routes::HOOK {
        SourceId::generate().to_string()
    } else if path.contains("/jobs") {
        JobId::generate().to_string()
    } else {
        EndpointId::generate().to_string()
    };
    let url = format!(
        "{}{}",
        webhook.base,
        path.replace("{id}", &id).replace("{source}", &id).replace("{name}", "no.such")
    );
    let request = webhook.http.request(method.parse::<Method>().unwrap(), url);
    match (method, path) {
        ("POST", routes::ENDPOINTS) => request.json(&json!({"url": "https://example.com/"})),
        ("POST", routes::SOURCES) => request.json(&json!({"name": "a", "scheme": "stripe"})),
        ("POST", routes::PORTAL_LINKS) => request.json(&json!({})),
        ("POST", routes::EVENT_TYPES) => request.json(&json!({"name": "a"})),
        ("PUT", _) => request.json(&json!({})),
        ("POST", routes::RECOVER | routes::REPLAY) => request.json(&json!({"since": "2026-01-01T00:00:00Z"})),
        ("POST", routes::MESSAGES) => request.json(&json!({"event_type": "a", "payload": {}})),
        ("POST", routes::ROTATE_SECRET | routes::RESEND) | ("PATCH", _) => request.json(&json!({})),
        _ => request,
    }
}

#[test]
fn every_operation_is_in_the_matrix() {
    let listed: BTreeSet<_> = matrix().iter().map(|(method, path, _)| pair(method, path)).collect();
    assert_eq!(listed, operations());
}

#[test]
fn every_route_of_the_contract_is_an_operation() {
    let routes =
        routes::ALL.iter().flat_map(|(path, methods)| methods.iter().map(|method| pair(method, path)));
    let of_webhook = |path| contract_jobs::routes::of(Service::Webhook, path);
    let jobs = contract_jobs::routes::ALL.iter().map(|(path, method)| pair(method, &of_webhook(path)));
    assert_eq!(routes.chain(jobs).collect::<BTreeSet<_>>(), operations());
}

#[test]
fn every_authenticated_post_takes_a_key_unless_it_changes_nothing() {
    assert_eq!(idempotency::unkeyed_posts(&webhook::openapi()), HARMLESS.map(str::to_owned).into());
}

#[test]
fn the_openapi_document_is_the_one_in_the_repository() {
    let written: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let described = serde_json::to_value(webhook::openapi()).unwrap();
    assert!(written == described, "services/webhook/openapi.json is out of date: cargo xtask openapi write");
}

#[actix_web::test]
async fn every_cell_of_the_matrix_holds() {
    let webhook = spawn().await;
    let credentials = credentials(&webhook);
    for (method, path, statuses) in matrix() {
        for ((caller, credential), wanted) in CALLERS.iter().zip(&credentials).zip(statuses) {
            let request = request(&webhook, method, &path);
            let request = match credential {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let reply = request.send().await.unwrap();
            let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
            // A stream has no end, and what is deleted no body.
            let is_json = headers.get("content-type").is_some_and(|kind| kind != "text/event-stream");
            let body: Value = if is_json { reply.json().await.unwrap_or_default() } else { Value::Null };
            assert_eq!(status, wanted, "{method} {path} as {caller}: {body}");
            if [401, 403].contains(&wanted) {
                assert_eq!(headers["content-type"], "application/problem+json");
                assert_eq!(body["request_id"], headers["x-request-id"].to_str().unwrap());
                assert!(headers.contains_key("www-authenticate"), "{method} {path} as {caller}");
            }
        }
    }
}
