use contract_auth::Secret;
use futures_util::future::join_all;
use serde_json::json;

use crate::spawn::{PASSWORD, claims_of, code, refused, spawn};

#[actix_web::test]
async fn a_login_gives_short_tokens_with_the_rights_of_the_user() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let claims = claims_of(&ada.tokens.access_token);
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), ("http://127.0.0.1:8080", "plinth"));
    assert_eq!(claims.exp - claims.iat, 300);
    assert_eq!(ada.tokens.expires_in, 300);
    assert_eq!(ada.tokens.refresh_expires_in, 30 * 24 * 3600);
    assert!(claims.scope.contains("prefs:write") && claims.scope.contains("auth:write"));
    for sensitive in ["prefs:admin", "auth:admin", "payments:write"] {
        assert!(!claims.scope.contains(sensitive), "{sensitive} waits for the address");
    }
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let claims = claims_of(&auth.login("ada@example.com").await.unwrap().access_token);
    assert!(claims.scope.contains("payments:write") && !claims.scope.contains("auth:admin"));
}

#[actix_web::test]
async fn an_unknown_address_and_a_wrong_password_look_the_same() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let http = testing::http();
    let mut bodies = Vec::new();
    for (email, password) in [
        ("ada@example.com", "a wrong but long password"),
        ("eve@example.com", PASSWORD),
        ("no address at all", PASSWORD),
        ("ada@example.com", ""),
        ("ada@example.com", &"x".repeat(5000)),
    ] {
        let body = json!({ "email": email, "password": password });
        let reply =
            http.post(format!("{}/api/v1/auth/login", auth.base)).json(&body).header("x-request-id", "same");
        let reply = reply.send().await.unwrap();
        assert_eq!(reply.status(), 401);
        assert_eq!(reply.headers()["www-authenticate"], "Bearer");
        bodies.push(reply.text().await.unwrap());
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[actix_web::test]
async fn an_outdated_hash_is_made_anew_at_login() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    // "correct horse battery staple" at m=64, t=1: made once, by the same library.
    let cheap = {
        use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
        let params = Params::new(64, 1, 1, Some(32)).unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_with_salt(PASSWORD.as_bytes(), b"sixteen bytes ok").unwrap().to_string()
    };
    auth.sql(&format!("UPDATE users SET password_hash = '{cheap}'")).await;
    assert!(auth.login("ada@example.com").await.is_ok());
    let today = "SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(auth.count(today).await, 1);
    assert!(auth.login("ada@example.com").await.is_ok());
}

#[actix_web::test]
async fn fifty_parallel_refreshes_have_one_successor_and_nobody_is_logged_out() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let many = (0..50).map(|_| auth.client.refresh(&ada.tokens.refresh_token));
    let outcomes = join_all(many).await;
    let successors: Vec<Secret> =
        outcomes.into_iter().map(|outcome| outcome.unwrap().refresh_token).collect();
    assert!(successors.iter().all(|token| *token == successors[0]), "one successor");
    assert_ne!(successors[0], ada.tokens.refresh_token);
    assert_eq!(auth.count("SELECT counter FROM sessions").await, 1);
    assert!(auth.client.refresh(&successors[0]).await.is_ok());
}

#[actix_web::test]
async fn a_refresh_token_used_later_ends_the_whole_session() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let stolen = ada.tokens.refresh_token.clone();
    // As if the login had been a minute ago and the rotation half a minute ago.
    let first = auth.client.refresh(&stolen).await.unwrap();
    let second = auth.client.refresh(&first.refresh_token).await.unwrap();
    auth.sql("UPDATE sessions SET rotated_at = rotated_at - interval '30 seconds'").await;
    assert_eq!(refused(auth.client.refresh(&second.refresh_token).await), code(401, "refresh_token_reused"));
    assert_eq!(refused(auth.client.refresh(&stolen).await), code(401, "session_ended"));
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    let why = "SELECT count(*) FROM sessions WHERE revoked_why = 'refresh_token_reused'";
    assert_eq!(auth.count(why).await, 1);
}

#[actix_web::test]
async fn sessions_end_when_unused_and_when_old() {
    let auth = spawn().await;
    for change in ["expires_at = now()", "rotated_at = now() - interval '31 days'", "revoked_at = now()"] {
        let email = format!("{}@example.com", change.len());
        let tokens = auth.somebody(&email).await.tokens;
        auth.sql(&format!("UPDATE sessions SET {change}")).await;
        assert_eq!(
            refused(auth.client.refresh(&tokens.refresh_token).await),
            code(401, "session_ended"),
            "{change}"
        );
    }
}

#[actix_web::test]
async fn what_is_no_refresh_token_is_told_without_a_query() {
    let auth = spawn().await;
    for nonsense in ["", "plr_", "plr_AAAA", "x".repeat(200).as_str(), "plk_dev_x"] {
        let outcome = auth.client.refresh(&nonsense.into()).await;
        assert_eq!(refused(outcome), code(401, "refresh_token_invalid"), "{nonsense}");
    }
}

#[actix_web::test]
async fn logging_out_ends_this_session_and_no_other() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let phone = auth.login("ada@example.com").await.unwrap();
    auth.client.logout(&ada.inward).await.unwrap();
    assert_eq!(refused(auth.client.refresh(&ada.tokens.refresh_token).await), code(401, "session_ended"));
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    assert!(auth.client.refresh(&phone.refresh_token).await.is_ok());
}

#[actix_web::test]
async fn sessions_are_listed_in_pages_and_ended_one_by_one() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for _ in 0..4 {
        auth.login("ada@example.com").await.unwrap();
    }
    let eve = auth.somebody("eve@example.com").await;
    let first = auth.client.sessions(&ada.inward, "?limit=3").await.unwrap();
    let next = first.next_cursor.clone().unwrap();
    let second = auth.client.sessions(&ada.inward, &format!("?limit=3&cursor={next}")).await.unwrap();
    assert_eq!((first.data.len(), second.data.len(), second.next_cursor), (3, 2, None));
    let all: Vec<_> = first.data.iter().chain(&second.data).collect();
    assert_eq!(all.iter().filter(|session| session.current).count(), 1);
    assert!(all.is_sorted_by(|one, other| one.id > other.id), "the latest first");
    let victim = first.data[0].id;
    let strangers = auth.client.end_session(&eve.inward, victim).await;
    assert_eq!(refused(strangers), code(404, "session_not_found"));
    auth.client.end_session(&ada.inward, victim).await.unwrap();
    assert_eq!(refused(auth.client.end_session(&ada.inward, victim).await), code(404, "session_not_found"));
    assert_eq!(auth.client.sessions(&ada.inward, "").await.unwrap().data.len(), 4);
}
