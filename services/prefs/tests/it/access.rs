//! Who may do what: every operation of the OpenAPI document, tried by every kind of caller.

use std::collections::BTreeSet;

use contract_prefs::{ExperimentId, FlagId, MERGE_PATCH, routes};
use identity::Claims;
use ids::{ApiKeyId, JobId, OrgId};
use reqwest::Method;
use serde_json::{Value, json};
use service_discovery::Service;
use testing::Person;

use crate::spawn::{ADMIN, Prefs, USER, closed, document, namespace, spawn};

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

/// The status of every cell of prefs' own operations, callers in the order of [`CALLERS`].
const MATRIX: [(&str, &str, [u16; 9]); 21] = [
    ("GET", routes::PREFERENCES, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("DELETE", routes::PREFERENCES, [401, 204, 204, 204, 204, 204, 403, 401, 401]),
    ("GET", routes::EXPORT, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("GET", routes::EVENTS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("GET", routes::HISTORY, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::RESTORE, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::ORGANIZATION, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("PUT", routes::ORGANIZATION, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("PATCH", routes::ORGANIZATION, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("DELETE", routes::ORGANIZATION, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("PUT", routes::LOCKS, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("GET", routes::ORGANIZATION_HISTORY, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::RESTORE_ORGANIZATION, [401, 403, 403, 403, 404, 403, 403, 401, 401]),
    ("GET", routes::DOCUMENT, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("PUT", routes::DOCUMENT, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("PATCH", routes::DOCUMENT, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("DELETE", routes::DOCUMENT, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("GET", routes::NAMESPACES, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("GET", routes::NAMESPACE, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("PUT", routes::NAMESPACE, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
    ("GET", routes::NAMESPACE_VERSIONS, [401, 403, 403, 403, 200, 403, 403, 401, 401]),
];

/// The same of flags. There is no such flag, segment, environment or experiment.
const FLAGS: [(&str, &str, [u16; 9]); 24] = [
    ("GET", routes::FLAGS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::FLAGS, [401, 201, 201, 201, 201, 201, 403, 401, 401]),
    ("GET", routes::FLAG, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("PUT", routes::FLAG, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("DELETE", routes::FLAG, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::FLAG_HISTORY, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::RESTORE_FLAG, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::FLAG_EXPOSURES, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::SEGMENTS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("GET", routes::SEGMENT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("PUT", routes::SEGMENT, [401, 412, 412, 412, 412, 412, 403, 401, 401]),
    ("DELETE", routes::SEGMENT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::ENVIRONMENTS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::ENVIRONMENTS, [401, 201, 201, 201, 201, 201, 403, 401, 401]),
    ("DELETE", routes::ENVIRONMENT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::EXPERIMENTS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
    ("POST", routes::EXPERIMENTS, [401, 422, 422, 422, 422, 422, 403, 401, 401]),
    ("GET", routes::EXPERIMENT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::START_EXPERIMENT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::STOP_EXPERIMENT, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::CONVERSIONS, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("GET", routes::RESULTS, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::EVALUATE_FLAG, [401, 404, 404, 404, 404, 404, 403, 401, 401]),
    ("POST", routes::EVALUATE_FLAGS, [401, 200, 200, 200, 200, 200, 403, 401, 401]),
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

/// Every operation with its statuses.
fn matrix() -> Vec<(&'static str, String, [u16; 9])> {
    let own =
        MATRIX.iter().chain(&FLAGS).map(|(method, path, statuses)| (*method, (*path).to_owned(), *statuses));
    let of_prefs = |path| contract_jobs::routes::of(Service::Prefs, path);
    let jobs = JOBS.iter().map(|(method, path, statuses)| (*method, of_prefs(path), *statuses));
    own.chain(jobs).collect()
}

/// The operations of the service's OpenAPI document.
fn operations() -> BTreeSet<(String, String)> {
    let described = serde_json::to_value(prefs::openapi()).unwrap();
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
fn credentials(prefs: &Prefs) -> [Option<String>; 9] {
    let owner = Person::with_scopes(USER);
    let with_role = |scopes: &str, role: &str| Person {
        roles: vec!["USER".to_owned(), role.to_owned()],
        ..Person::with_scopes(scopes)
    };
    let key = Person { sid: ApiKeyId::generate().to_string(), ..Person::with_scopes("auth:read") };
    let claims = prefs.issuer.claims(Service::Prefs, &owner);
    let expired = Claims { exp: claims.iat - 60, iat: claims.iat - 120, ..claims };
    [
        None,
        Some(prefs.token(&owner)),
        Some(prefs.token(&owner.colleague())),
        Some(prefs.token(&Person::with_scopes(USER))),
        Some(prefs.token(&with_role(ADMIN, "ADMIN"))),
        Some(prefs.token(&with_role(USER, "RESELLER"))),
        Some(prefs.token(&key)),
        Some(prefs.issuer.token(Service::Auth, &owner)),
        Some(prefs.issuer.sign(&expired)),
    ]
}

/// A request that is in order but for the caller.
fn request(prefs: &Prefs, method: &str, path: &str) -> reqwest::RequestBuilder {
    if path.starts_with("/ofrep/") || path.contains("flag") || path.contains("experiment") {
        return flag_request(prefs, method, path);
    }
    let path = path.replace("{namespace}", "appearance").replace("{id}", &JobId::generate().to_string());
    let request = prefs.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", prefs.base));
    let request = if method == "GET" { request } else { request.header("if-match", "*") };
    match method {
        "PATCH" => request.header("content-type", MERGE_PATCH).body(r#"{"theme": "dark"}"#),
        "PUT" if path.contains("/admin/") => {
            let theme = json!({"theme": {"enum": ["system", "dark"]}});
            request.json(&namespace(closed(theme), json!({"theme": "system"})))
        }
        "PUT" if path.ends_with("/locks") => request.json(&json!({"locks": ["/density"]})),
        "PUT" => request.json(&json!({"theme": "dark"})),
        "POST" if path.ends_with("/restore") => request.json(&json!({"version": 99})),
        _ => request,
    }
}

/// The same of flags.
fn flag_request(prefs: &Prefs, method: &str, path: &str) -> reqwest::RequestBuilder {
    let id = ExperimentId::generate().to_string();
    let url = format!("{}{}", prefs.base, path.replace("{key}", "nothing").replace("{id}", &id));
    let request = prefs.http.request(method.parse::<Method>().unwrap(), url);
    let new = FlagId::generate().to_string();
    let body = match (method, path) {
        ("POST", routes::FLAGS) => {
            let mut flag = crate::flags::boolean(&new);
            flag["key"] = json!(new);
            flag
        }
        ("PUT", routes::FLAG) => crate::flags::boolean("nothing"),
        ("POST", routes::RESTORE_FLAG) => json!({"version": 1}),
        ("POST", routes::FLAG_EXPOSURES) => json!({"targeting_key": "ada", "variant": "on"}),
        ("PUT", routes::SEGMENT) => json!({"when": {"all": []}}),
        ("POST", routes::ENVIRONMENTS) => json!({"key": new}),
        ("POST", routes::EXPERIMENTS) => {
            json!({"name": "x", "flag": "nothing", "metrics": ["m"], "split": []})
        }
        ("POST", routes::CONVERSIONS) => json!({"targeting_key": "ada", "metric": "m"}),
        ("POST", routes::EVALUATE_FLAG | routes::EVALUATE_FLAGS) => json!({}),
        ("PUT" | "DELETE", _) => return request.header("if-match", "*"),
        _ => return request,
    };
    let request = if method == "PUT" { request.header("if-match", "*") } else { request };
    request.json(&body)
}

#[test]
fn every_operation_is_in_the_matrix() {
    let listed: BTreeSet<_> = matrix().iter().map(|(method, path, _)| pair(method, path)).collect();
    assert_eq!(listed, operations());
}

#[test]
fn every_route_of_the_contract_is_an_operation() {
    let routes = routes::ALL
        .iter()
        .chain(&routes::OF_FLAGS)
        .flat_map(|(path, methods)| methods.iter().map(|method| pair(method, path)));
    let of_prefs = |path| contract_jobs::routes::of(Service::Prefs, path);
    let jobs = contract_jobs::routes::ALL.iter().map(|(path, method)| pair(method, &of_prefs(path)));
    assert_eq!(routes.chain(jobs).collect::<BTreeSet<_>>(), operations());
}

#[test]
fn the_openapi_document_is_the_one_in_the_repository() {
    let written: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let described = serde_json::to_value(prefs::openapi()).unwrap();
    assert!(written == described, "services/prefs/openapi.json is out of date: cargo xtask openapi write");
}

#[actix_web::test]
async fn every_cell_of_the_matrix_holds() {
    let prefs = spawn().await;
    let credentials = credentials(&prefs);
    for (method, path, statuses) in matrix() {
        for ((caller, credential), wanted) in CALLERS.iter().zip(&credentials).zip(statuses) {
            let request = request(&prefs, method, &path);
            let request = match credential {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let reply = request.send().await.unwrap();
            let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
            // A stream has no end, and what is erased no body.
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

#[actix_web::test]
async fn nobody_reads_or_changes_anothers_document() {
    let prefs = spawn().await;
    let appearance = "appearance".parse().unwrap();
    let owner = Person::with_scopes(USER);
    let own = prefs.token(&owner);
    let dark = document(json!({"theme": "dark"}));
    let written = prefs.client.replace_document(&own, &appearance, "*", &dark).await.unwrap();
    let elsewhere = Person { org: OrgId::generate(), ..owner.clone() };
    let others = [owner.colleague(), Person::with_scopes(USER), elsewhere];
    for other in others {
        let other = prefs.token(&other);
        let read = prefs.client.document(&other, &appearance).await.unwrap();
        assert_eq!((&read.value["theme"], read.etag.as_str()), (&json!("system"), "\"1.0.0\""));
        let all = prefs.client.preferences(&other, false).await.unwrap();
        assert_eq!(all.preferences[&appearance], read.value);
        let light = document(json!({"theme": "light"}));
        prefs.client.replace_document(&other, &appearance, "*", &light).await.unwrap();
        prefs.client.reset_document(&other, &appearance, "*").await.unwrap();
    }
    assert_eq!(prefs.client.document(&own, &appearance).await.unwrap(), written);
}
