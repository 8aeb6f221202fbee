//! Operations that act once for an `Idempotency-Key`.

use reqwest::StatusCode;
use serde_json::json;

use crate::spawn::{Auth, Somebody, spawn};

/// Those that answer with a secret, and so take no key.
const WITH_SECRETS: [&str; 2] = ["/api/v1/auth/api-keys", "/api/v1/auth/password/change"];

#[test]
fn every_authenticated_post_takes_a_key_unless_its_answer_is_secret() {
    assert_eq!(idempotency::unkeyed_posts(&auth::openapi()), WITH_SECRETS.map(str::to_owned).into());
}

async fn ban(auth: &Auth, admin: &str, who: &Somebody, key: &str, reason: &str) -> reqwest::Response {
    let url = format!("{}/api/v1/admin/users/{}/ban", auth.base, who.id());
    let request = testing::http().post(url).bearer_auth(admin).header("idempotency-key", key);
    request.json(&json!({ "reason": reason })).send().await.unwrap()
}

#[actix_web::test]
async fn a_ban_that_is_sent_twice_is_one_and_another_body_is_refused() {
    let auth = spawn().await;
    let (ada, admin) = (auth.somebody("ada@example.com").await, auth.admin());
    let admin = admin.expose();
    let many = (0..20).map(|_| ban(&auth, admin, &ada, "k1", "spam"));
    let statuses = futures_util::future::join_all(many).await;
    let statuses: Vec<_> = statuses.iter().map(reqwest::Response::status).collect();
    assert!(statuses.contains(&StatusCode::NO_CONTENT), "{statuses:?}");
    let in_flight = |status: &&StatusCode| **status != StatusCode::NO_CONTENT;
    assert!(statuses.iter().filter(in_flight).all(|status| *status == StatusCode::CONFLICT), "{statuses:?}");
    assert_eq!(auth.count("SELECT count(*) FROM audit_log WHERE action = 'user.banned'").await, 1);
    auth.client.unban(&auth.admin(), ada.id()).await.unwrap();
    let replayed = ban(&auth, admin, &ada, "k1", "spam").await;
    assert_eq!(
        (replayed.status().as_u16(), &replayed.headers()["idempotency-replayed"]),
        (204, &"true".parse().unwrap())
    );
    assert!(auth.login("ada@example.com").await.is_ok(), "the repetition banned nobody");
    let other = ban(&auth, admin, &ada, "k1", "another reason").await;
    assert_eq!(other.status(), 422);
    assert_eq!(ban(&auth, admin, &ada, "k2", "spam").await.status(), 204);
    assert!(auth.login("ada@example.com").await.is_err());
}
