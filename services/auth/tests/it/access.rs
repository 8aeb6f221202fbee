//! Every route × every kind of caller. An operation that is not listed fails.

use std::collections::BTreeMap;

use contract_auth::routes;
use ids::{ApiKeyId, JobId, SessionId};
use reqwest::Method;
use serde_json::{Value, json};
use service_discovery::Service;
use testing::Person;

use crate::{
    grant, organizations,
    spawn::{Auth, PASSWORD, claims_of, spawn},
};

/// Who calls, in the order of the table's columns.
const CALLERS: [&str; 8] =
    ["anonymous", "owner", "colleague", "stranger", "ADMIN", "RESELLER", "key without scope", "banned"];

const RESOURCE: &str = "/api/v1/orgs/{id}/resources/{resource}/permissions";
const RESOURCE_OF_ONE: &str = "/api/v1/orgs/{id}/resources/{resource}/permissions/{user_id}";

/// What each may expect. `{id}` is the owner's thing, or the owner. A line holds for the caller's
/// own account where the path names no thing.
const TABLE: &[(&str, &str, [u16; 8])] = &[
    ("POST", "/api/v1/auth/register", [202; 8]),
    ("POST", "/api/v1/auth/login", [401; 8]),
    ("POST", "/api/v1/auth/refresh", [401; 8]),
    ("POST", "/api/v1/auth/logout", [401, 204, 204, 204, 204, 204, 403, 401]),
    ("GET", "/api/v1/auth/me", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("PATCH", "/api/v1/auth/me", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("DELETE", "/api/v1/auth/me", [401, 202, 202, 202, 202, 202, 403, 401]),
    // Of an account that stays anyway.
    ("POST", "/api/v1/auth/me/restore", [401, 204, 204, 204, 204, 204, 403, 401]),
    ("POST", "/api/v1/auth/me/exports", [401, 202, 202, 202, 202, 202, 403, 401]),
    ("GET", "/api/v1/auth/me/exports", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("GET", "/api/v1/auth/me/exports/{id}", [401, 200, 404, 404, 404, 404, 403, 401]),
    ("DELETE", "/api/v1/auth/me/exports/{id}", [401, 204, 404, 404, 404, 404, 403, 401]),
    // No worker runs here: none is ever ready.
    ("GET", "/api/v1/auth/me/exports/{id}/download", [401, 409, 404, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/auth/me/export", [401, 404, 404, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/auth/verify-email", [401; 8]),
    ("POST", "/api/v1/auth/verify-email/resend", [401, 202, 202, 202, 202, 202, 403, 401]),
    ("POST", "/api/v1/auth/email/change", [401, 202, 202, 202, 202, 202, 403, 401]),
    ("POST", "/api/v1/auth/email/confirm", [401; 8]),
    ("POST", "/api/v1/auth/password/forgot", [202; 8]),
    ("POST", "/api/v1/auth/password/reset", [401; 8]),
    ("POST", "/api/v1/auth/magic-link", [202; 8]),
    ("POST", "/api/v1/auth/magic-link/verify", [401; 8]),
    // Whatever opens anything may open a socket for it.
    ("POST", "/api/v1/auth/ws-ticket", [401, 200, 200, 200, 200, 200, 200, 401]),
    ("POST", "/api/v1/auth/password/change", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("GET", "/api/v1/auth/sessions", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("DELETE", "/api/v1/auth/sessions/{id}", [401, 204, 404, 404, 404, 404, 403, 401]),
    ("DELETE", "/api/v1/auth/sessions", [401, 204, 204, 204, 204, 204, 403, 401]),
    ("POST", "/api/v1/auth/step-up", [401, 200, 200, 200, 200, 200, 403, 401]),
    // Nobody here has a second factor.
    ("GET", "/api/v1/auth/mfa", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("POST", "/api/v1/auth/mfa/verify", [401; 8]),
    ("POST", "/api/v1/auth/mfa/totp/enroll", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("POST", "/api/v1/auth/mfa/totp/confirm", [401, 409, 409, 409, 409, 409, 403, 401]),
    ("POST", "/api/v1/auth/mfa/totp/disable", [401, 409, 409, 409, 409, 409, 403, 401]),
    ("POST", "/api/v1/auth/mfa/recovery-codes", [401, 409, 409, 409, 409, 409, 403, 401]),
    ("GET", "/api/v1/auth/api-keys", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("POST", "/api/v1/auth/api-keys", [401, 201, 201, 201, 201, 201, 403, 401]),
    ("PATCH", "/api/v1/auth/api-keys/{id}", [401, 200, 404, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/auth/api-keys/{id}/rotate", [401, 200, 404, 404, 404, 404, 403, 401]),
    ("DELETE", "/api/v1/auth/api-keys/{id}", [401, 204, 404, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/auth/grants", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("DELETE", "/api/v1/auth/grants/{id}", [401, 204, 404, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/admin/users", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("GET", "/api/v1/admin/users/{id}", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("PATCH", "/api/v1/admin/users/{id}", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("DELETE", "/api/v1/admin/users/{id}", [401, 403, 403, 403, 204, 403, 403, 401]),
    ("POST", "/api/v1/admin/users/{id}/sign-out", [401, 403, 403, 403, 204, 403, 403, 401]),
    ("POST", "/api/v1/admin/users/{id}/impersonate", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("POST", "/api/v1/auth/impersonation/renew", [401, 403, 403, 403, 403, 403, 403, 401]),
    ("POST", "/api/v1/auth/impersonation/end", [401, 403, 403, 403, 403, 403, 403, 401]),
    ("POST", "/api/v1/admin/users/{id}/ban", [401, 403, 403, 403, 204, 403, 403, 401]),
    ("POST", "/api/v1/admin/users/{id}/unban", [401, 403, 403, 403, 204, 403, 403, 401]),
    ("POST", "/api/v1/admin/users/{id}/unlock", [401, 403, 403, 403, 204, 403, 403, 401]),
    ("POST", "/api/v1/admin/users/{id}/roles", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("GET", "/api/v1/orgs", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("POST", "/api/v1/orgs", [401, 201, 201, 201, 201, 201, 403, 401]),
    ("GET", "/api/v1/orgs/{id}", [401, 200, 200, 404, 404, 404, 403, 401]),
    ("PATCH", "/api/v1/orgs/{id}", [401, 200, 403, 404, 404, 404, 403, 401]),
    ("DELETE", "/api/v1/orgs/{id}", [401, 204, 403, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/orgs/{id}/members", [401, 200, 200, 404, 404, 404, 403, 401]),
    ("PATCH", "/api/v1/orgs/{id}/members/{user_id}", [401, 200, 403, 404, 404, 404, 403, 401]),
    ("DELETE", "/api/v1/orgs/{id}/members/{user_id}", [401, 204, 403, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/orgs/{id}/leave", [401, 409, 204, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/orgs/{id}/transfer", [401, 204, 403, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/orgs/{id}/invitations", [401, 200, 403, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/orgs/{id}/invitations", [401, 201, 403, 404, 404, 404, 403, 401]),
    ("DELETE", "/api/v1/orgs/{id}/invitations/{invitation_id}", [401, 204, 403, 404, 404, 404, 403, 401]),
    (
        "POST",
        "/api/v1/orgs/{id}/invitations/{invitation_id}/resend",
        [401, 200, 403, 404, 404, 404, 403, 401],
    ),
    ("GET", RESOURCE, [401, 200, 403, 404, 404, 404, 403, 401]),
    ("DELETE", RESOURCE, [401, 204, 403, 404, 404, 404, 403, 401]),
    ("PUT", RESOURCE_OF_ONE, [401, 200, 403, 404, 404, 404, 403, 401]),
    ("DELETE", RESOURCE_OF_ONE, [401, 204, 403, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/auth/invitations", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("POST", "/api/v1/auth/invitations/accept", [401, 401, 401, 401, 401, 401, 403, 401]),
    ("POST", "/api/v1/auth/invitations/decline", [401, 401, 401, 401, 401, 401, 403, 401]),
    ("POST", "/api/v1/auth/switch-org", [401, 200, 200, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/auth/check", [401, 200, 200, 200, 200, 200, 403, 401]),
    ("GET", "/api/v1/admin/auth/roles", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("PUT", "/api/v1/admin/auth/roles/{name}", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("DELETE", "/api/v1/admin/auth/roles/{name}", [401, 403, 403, 403, 204, 403, 403, 401]),
    ("GET", "/api/v1/admin/auth/permissions", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("GET", "/api/v1/admin/audit", [401, 403, 403, 403, 200, 403, 403, 401]),
    // Every service has these; there is no such job.
    ("GET", "/api/v1/auth/jobs/{id}", [401, 404, 404, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/auth/jobs/{id}/events", [401, 404, 404, 404, 404, 404, 403, 401]),
    ("POST", "/api/v1/auth/jobs/{id}/cancel", [401, 404, 404, 404, 404, 404, 403, 401]),
    ("GET", "/api/v1/admin/auth/jobs", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("GET", "/api/v1/admin/auth/jobs/counts", [401, 403, 403, 403, 200, 403, 403, 401]),
    ("GET", "/api/v1/admin/auth/jobs/{id}", [401, 403, 403, 403, 404, 403, 403, 401]),
    ("POST", "/api/v1/admin/auth/jobs/{id}/retry", [401, 403, 403, 403, 404, 403, 403, 401]),
    ("POST", "/api/v1/admin/auth/jobs/{id}/cancel", [401, 403, 403, 403, 404, 403, 403, 401]),
    ("GET", "/.well-known/jwks.json", [200; 8]),
    ("GET", "/.well-known/openid-configuration", [200; 8]),
];

/// Open to everybody who brings a proof in the body; the table's are none.
const PROVEN_OTHERWISE: [&str; 7] = [
    routes::MFA_VERIFY,
    routes::LOGIN,
    routes::REFRESH,
    routes::VERIFY_EMAIL,
    routes::EMAIL_CONFIRM,
    routes::PASSWORD_RESET,
    routes::MAGIC_LINK_VERIFY,
];

#[actix_web::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let document: Value = serde_json::to_value(auth::openapi()).unwrap();
    let mut listed: BTreeMap<(String, String), [u16; 8]> = TABLE
        .iter()
        .map(|(method, path, statuses)| (((*method).to_owned(), (*path).to_owned()), *statuses))
        .collect();
    let auth = spawn().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let statuses = listed.remove(&(method.clone(), path.clone()));
            let statuses = statuses.unwrap_or_else(|| panic!("{method} {path} is not in the table"));
            let guarded = !document["paths"][path][method.to_lowercase()]["security"].is_null();
            assert_eq!(
                guarded,
                statuses[0] == 401 && !PROVEN_OTHERWISE.contains(&path.as_str()),
                "{method} {path}: the document and the table disagree on who may call"
            );
            for (caller, wanted) in CALLERS.iter().zip(statuses) {
                let status = call(&auth, &method, path, caller).await;
                assert_eq!(status, wanted, "{method} {path} by {caller}");
            }
        }
    }
    assert!(listed.is_empty(), "the table lists what is not there: {listed:?}");
}

/// One call by one caller against a fresh owner; gives the status.
async fn call(auth: &Auth, method: &str, path: &str, caller: &str) -> u16 {
    let unique = SessionId::generate();
    let owner = auth.somebody(&format!("owner-{unique}@example.com")).await;
    let owned = claims_of(&owner.tokens.access_token);
    let thing = if path.contains("api-keys") {
        auth.api_key(&owner, &["auth:read"]).await.shown.id.to_string()
    } else if path.contains("grants") {
        grant::give(auth, &owner, "import_1").await.unwrap().id.to_string()
    } else if path.contains("exports/") {
        auth.client.request_export(&owner.inward).await.unwrap().id.to_string()
    } else if path.contains("users") {
        owner.id().to_string()
    } else if path.contains("jobs") {
        JobId::generate().to_string()
    } else {
        owned.sid.clone().unwrap()
    };
    let place = organizations::access::place(auth, &owner, path).await;
    let token = match caller {
        "anonymous" => None,
        "owner" => Some(owner.inward.expose().to_owned()),
        other => Some(token_of(auth, other, &owner.tokens.access_token).await),
    };
    if let ("colleague", Some(place), Some(token)) = (caller, &place, &token) {
        place.take_in(auth, token).await;
    }
    let placed = place.as_ref().map(|place| (place.fill(path), place.body(method, path)));
    let method: Method = method.parse().unwrap();
    let (filled, body) = placed.unwrap_or_else(|| (path.replace("{id}", &thing), body(&method, path)));
    let mut request = testing::http().request(method, format!("{}{filled}", auth.base));
    if path.ends_with("audit") {
        // No other service runs here.
        request = request.query(&[("services", "auth")]);
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn token_of(auth: &Auth, caller: &str, owners: &contract_auth::Secret) -> String {
    let other = auth.somebody(&format!("other-{}@example.com", SessionId::generate())).await;
    let mut claims = claims_of(&other.inward);
    match caller {
        "colleague" => {
            claims.org = claims_of(owners).org;
            let join = format!(
                "INSERT INTO memberships (org_id, user_id, role, created_at)
                 SELECT m.org_id, u.id, 'member', now() FROM users u, users o
                 JOIN memberships m ON m.user_id = o.id AND m.role = 'owner'
                 WHERE u.email = '{}' AND m.org_id = '{}'",
                other.email,
                claims.org.unwrap().uuid()
            );
            assert_eq!(auth.sql(&join).await, 1);
        }
        "ADMIN" => {
            claims.roles.push("ADMIN".to_owned());
            claims.scope = format!("{} auth:admin jobs:admin", claims.scope).parse().unwrap();
        }
        "RESELLER" => claims.roles.push("RESELLER".to_owned()),
        "key without scope" => {
            let key = auth.api_key(&other, &["prefs:read"]).await;
            claims.sid = Some(key.shown.id.to_string());
            claims.scope = "prefs:read".parse().unwrap();
        }
        "banned" => {
            auth.client.ban(&auth.admin().await, other.id(), "a test").await.unwrap();
        }
        _ => {}
    }
    auth.issuer.sign(&claims)
}

fn body(method: &Method, path: &str) -> Option<Value> {
    let nobody = format!("nobody-{}@example.com", ApiKeyId::generate());
    match (method.as_str(), path) {
        ("POST", "/api/v1/auth/register") => Some(json!({ "email": nobody, "password": PASSWORD })),
        ("POST", "/api/v1/auth/login") => Some(json!({ "email": nobody, "password": PASSWORD })),
        ("POST", "/api/v1/auth/refresh") => Some(json!({ "refresh_token": "plr_none" })),
        ("POST", routes::EMAIL_CHANGE | routes::PASSWORD_FORGOT | routes::MAGIC_LINK) => {
            Some(json!({ "email": nobody }))
        }
        ("POST", routes::VERIFY_EMAIL | routes::EMAIL_CONFIRM | routes::MAGIC_LINK_VERIFY) => {
            Some(json!({ "token": "plt_none" }))
        }
        ("POST", routes::PASSWORD_RESET) => Some(json!({ "token": "plt_none", "new_password": PASSWORD })),
        ("POST", "/api/v1/auth/step-up" | "/api/v1/auth/mfa/totp/disable") => {
            Some(json!({ "password": PASSWORD }))
        }
        ("POST", "/api/v1/auth/mfa/totp/confirm") => Some(json!({ "code": "000000" })),
        ("POST", "/api/v1/auth/mfa/verify") => {
            Some(json!({ "mfa_token": "plt_none", "method": "totp", "code": "000000" }))
        }
        ("POST", "/api/v1/auth/api-keys") => Some(json!({ "name": "x", "scopes": ["auth:read"] })),
        ("POST", "/api/v1/auth/api-keys/{id}/rotate") => Some(json!({})),
        ("POST", "/api/v1/auth/password/change") => {
            Some(json!({ "current_password": PASSWORD, "new_password": "nine blue foxes dance" }))
        }
        ("POST", "/api/v1/admin/users/{id}/impersonate") => Some(json!({ "reason": "a ticket" })),
        ("POST", "/api/v1/admin/users/{id}/ban") => Some(json!({ "reason": "spam" })),
        ("POST", "/api/v1/admin/users/{id}/roles") => Some(json!({ "roles": ["RESELLER"] })),
        ("PATCH", _) => Some(json!({ "name": "x" })),
        _ => None,
    }
}

#[actix_web::test]
async fn a_token_for_another_service_or_of_another_maker_opens_nothing() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let url = format!("{}/api/v1/auth/me", auth.base);
    let me =
        async |token: String| testing::http().get(&url).bearer_auth(token).send().await.unwrap().status();
    let claims = claims_of(&ada.inward);
    assert_eq!(me(auth.issuer.sign(&claims)).await, 200);
    let prefs = identity::Claims { aud: "prefs".to_owned(), ..claims.clone() };
    assert_eq!(me(auth.issuer.sign(&prefs)).await, 401);
    let expired = identity::Claims { exp: claims.iat - 60, iat: claims.iat - 120, ..claims.clone() };
    assert_eq!(me(auth.issuer.sign(&expired)).await, 401);
    let own_name = identity::Claims { iss: "http://127.0.0.1:8080".to_owned(), ..claims.clone() };
    assert_eq!(me(auth.issuer.sign(&own_name)).await, 401, "the gateway's key in auth's name");
    let edge = ada.tokens.access_token.expose().to_owned();
    assert_eq!(me(edge).await, 401, "a client's token, without the gateway");
    let nobody = Person::with_scopes("auth:read");
    assert_eq!(me(auth.issuer.token(Service::Auth, &nobody)).await, 401, "a user who is not there");
}
