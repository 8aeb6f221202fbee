//! Operations that act once for an `Idempotency-Key`.

use contract_auth::Secret;
use reqwest::StatusCode;
use serde_json::json;

use crate::spawn::{Auth, Somebody, code, refused, spawn};

/// Those that answer with a secret, and so take no key.
const WITH_SECRETS: &[&str] = &[
    "/api/v1/admin/users/{id}/impersonate",
    "/api/v1/auth/api-keys",
    "/api/v1/auth/api-keys/{id}/rotate",
    "/api/v1/auth/impersonation/renew",
    "/api/v1/auth/mfa/recovery-codes",
    "/api/v1/auth/mfa/totp/confirm",
    "/api/v1/auth/mfa/totp/enroll",
    "/api/v1/auth/password/change",
    "/api/v1/auth/switch-org",
    "/api/v1/auth/ws-ticket",
    "/api/v1/auth/step-up",
];

/// Those that only ask.
const QUESTIONS: &[&str] = &["/api/v1/auth/check"];

#[test]
fn every_authenticated_post_takes_a_key_unless_its_answer_is_secret() {
    let unkeyed = WITH_SECRETS.iter().chain(QUESTIONS).map(|path| (*path).to_owned()).collect();
    assert_eq!(idempotency::unkeyed_posts(&auth::openapi()), unkeyed);
}

async fn ban(auth: &Auth, admin: &Secret, who: &Somebody, key: &str, reason: &str) -> reqwest::Response {
    let url = format!("{}/api/v1/admin/users/{}/ban", auth.base, who.id());
    let request = testing::http().post(url).bearer_auth(admin.expose()).header("idempotency-key", key);
    request.json(&json!({ "reason": reason })).send().await.unwrap()
}

#[actix_web::test]
async fn a_ban_that_is_sent_twice_is_one_and_another_body_is_refused() {
    let auth = spawn().await;
    let (ada, admin) = (auth.somebody("ada@example.com").await, auth.admin().await);
    let many = (0..20).map(|_| ban(&auth, &admin, &ada, "k1", "spam"));
    let statuses = futures_util::future::join_all(many).await;
    let statuses: Vec<_> = statuses.iter().map(reqwest::Response::status).collect();
    assert!(statuses.contains(&StatusCode::NO_CONTENT), "{statuses:?}");
    let in_flight = |status: &&StatusCode| **status != StatusCode::NO_CONTENT;
    assert!(statuses.iter().filter(in_flight).all(|status| *status == StatusCode::CONFLICT), "{statuses:?}");
    assert_eq!(auth.count("SELECT count(*) FROM audit_log WHERE action = 'user.banned'").await, 1);
    auth.client.unban(&admin, ada.id()).await.unwrap();
    let replayed = ban(&auth, &admin, &ada, "k1", "spam").await;
    assert_eq!(
        (replayed.status().as_u16(), &replayed.headers()["idempotency-replayed"]),
        (204, &"true".parse().unwrap())
    );
    assert!(auth.login("ada@example.com").await.is_ok(), "the repetition banned nobody");
    let other = ban(&auth, &admin, &ada, "k1", "another reason").await;
    assert_eq!(other.status(), 422);
    assert_eq!(ban(&auth, &admin, &ada, "k2", "spam").await.status(), 204);
    assert!(auth.login("ada@example.com").await.is_err());
}

/// With a key, a repetition is the same act only while it is the same session.
#[actix_web::test]
async fn a_key_of_another_session_does_not_keep_one_logged_in() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    for _ in 0..2 {
        let tokens = auth.login("ada@example.com").await.unwrap();
        let inward = auth.inward(&tokens.access_token);
        let logout = testing::http().post(format!("{}/api/v1/auth/logout", auth.base));
        let logout = logout.bearer_auth(inward.expose()).header("idempotency-key", "k");
        assert_eq!(logout.send().await.unwrap().status(), 204);
        assert_eq!(refused(auth.client.me(&inward).await), code(401, "token_revoked"));
        assert_eq!(refused(auth.client.refresh(&tokens.refresh_token).await), code(401, "session_ended"));
    }
}
