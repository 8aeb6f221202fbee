//! Sessions that a browser carries as a cookie.

use contract_auth::{CookieSession, Exchange, Grant, IssuedToken, SESSION_COOKIE, Secret, routes};
use reqwest::{Response, header::SET_COOKIE};
use serde_json::json;
use service_discovery::{CallError, Service};

use crate::spawn::{Auth, PASSWORD, PREFS_SECRET, claims_of, code, gateway_secret, refused, spawn};

/// What a browser was told to keep, and what the body said.
pub(crate) struct Kept {
    pub(crate) cookie: Secret,
    pub(crate) told: CookieSession,
}

pub(crate) async fn kept(reply: Response) -> Kept {
    assert_eq!(reply.status(), 200);
    let set = reply.headers()[SET_COOKIE].to_str().unwrap().to_owned();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert!(attributes.starts_with("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age="), "{set}");
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!(name, SESSION_COOKIE);
    let cookie = Secret::from(value);
    let body = reply.text().await.unwrap();
    assert!(!body.contains("token") && !body.contains(value), "{body}");
    Kept { cookie, told: serde_json::from_str(&body).unwrap() }
}

pub(crate) async fn login(auth: &Auth, email: &str) -> Kept {
    let body = json!({ "email": email, "password": PASSWORD });
    let url = format!("{}{}?mode=cookie", auth.base, routes::LOGIN);
    kept(testing::http().post(url).json(&body).send().await.unwrap()).await
}

/// What the gateway gets for a cookie.
pub(crate) async fn exchange(auth: &Auth, cookie: &Secret) -> Result<IssuedToken, CallError> {
    let grant = Grant::Exchange(Exchange::SessionCookie(cookie.clone()));
    auth.internal.token(Service::Gateway, &gateway_secret(), grant).await
}

/// A cookie's session as auth sees it through the gateway.
pub(crate) async fn inward(auth: &Auth, cookie: &Secret) -> Secret {
    auth.inward(&exchange(auth, cookie).await.unwrap().access_token)
}

#[actix_web::test]
async fn a_browser_gets_a_cookie_and_no_token() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let Kept { cookie, told } = login(&auth, "ada@example.com").await;
    assert_eq!(told.expires_in, 30 * 24 * 3600);
    let issued = exchange(&auth, &cookie).await.unwrap();
    let claims = claims_of(&issued.access_token);
    assert_eq!((claims.exp - claims.iat, claims.aud.as_str()), (900, "plinth"));
    assert_eq!(claims.sid, Some(told.session_id.to_string()));
    assert_eq!(claims.amr, ["pwd"]);
    assert!(claims.auth_time.is_some_and(|at| claims.iat - at < 60));
    assert!(claims.scope.contains("prefs:write") && claims.scope.contains("auth:write"));
    let sessions = auth.client.sessions(&auth.inward(&issued.access_token), "").await.unwrap();
    assert!(sessions.data[0].current && sessions.data[0].methods == ["pwd"]);
}

#[actix_web::test]
async fn a_cookie_opens_nothing_but_its_exchange_at_the_gateway() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let Kept { cookie, .. } = login(&auth, "ada@example.com").await;
    assert_eq!(refused(auth.client.me(&cookie).await).0, 401, "as a bearer token");
    assert_eq!(refused(auth.client.refresh(&cookie).await), code(401, "refresh_token_invalid"));
    let grant = || Grant::Exchange(Exchange::SessionCookie(cookie.clone()));
    let prefs = PREFS_SECRET.to_owned().into();
    let outcome = auth.internal.token(Service::Prefs, &prefs, grant()).await;
    assert_eq!(refused(outcome), code(400, "invalid_target"), "by another service");
    for other in [&ada.tokens.refresh_token, &ada.tokens.access_token, &"plc_".into(), &"".into()] {
        assert_eq!(refused(exchange(&auth, other).await), code(400, "invalid_grant"));
    }
    // The id of a session of tokens with the tag of a cookie cannot be had; the row says no too.
    auth.sql("UPDATE sessions SET cookie = false").await;
    assert_eq!(refused(exchange(&auth, &cookie).await), code(400, "invalid_grant"));
}

#[actix_web::test]
async fn a_cookie_ends_with_its_session_its_user_and_its_time() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let Kept { cookie, .. } = login(&auth, "ada@example.com").await;
    for (undo, redo) in [
        ("revoked_at = now()", "revoked_at = NULL"),
        ("expires_at = now()", "expires_at = now() + interval '1 day'"),
        ("rotated_at = now() - interval '31 days'", "rotated_at = now()"),
    ] {
        assert!(exchange(&auth, &cookie).await.is_ok());
        auth.sql(&format!("UPDATE sessions SET {undo}")).await;
        assert_eq!(refused(exchange(&auth, &cookie).await), code(400, "invalid_grant"), "{undo}");
        auth.sql(&format!("UPDATE sessions SET {redo}")).await;
    }
    auth.sql("UPDATE users SET banned_at = now()").await;
    assert_eq!(refused(exchange(&auth, &cookie).await), code(400, "invalid_grant"), "banned");
    auth.sql("DELETE FROM users").await;
    assert_eq!(refused(exchange(&auth, &cookie).await), code(400, "invalid_grant"), "deleted");
}

#[actix_web::test]
async fn the_use_of_a_cookie_is_noted_once_a_minute() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let Kept { cookie, .. } = login(&auth, "ada@example.com").await;
    let written = "SELECT count(*) FROM sessions WHERE rotated_at > created_at";
    exchange(&auth, &cookie).await.unwrap();
    assert_eq!(auth.count(written).await, 0);
    let earlier = "UPDATE sessions SET created_at = created_at - interval '2 minutes', rotated_at = rotated_at - interval '2 minutes'";
    auth.sql(earlier).await;
    exchange(&auth, &cookie).await.unwrap();
    assert_eq!(auth.count(written).await, 1);
}

#[actix_web::test]
async fn a_logout_makes_the_browser_forget_and_leaves_other_clients_their_headers() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let Kept { cookie, .. } = login(&auth, "ada@example.com").await;
    let logout = async |token: &Secret| {
        let request = testing::http().post(format!("{}{}", auth.base, routes::LOGOUT));
        request.bearer_auth(token.expose()).send().await.unwrap()
    };
    let reply = logout(&inward(&auth, &cookie).await).await;
    assert_eq!(reply.status(), 204);
    let forget = reply.headers()[SET_COOKIE].to_str().unwrap();
    assert_eq!(forget, "__Host-plinth=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_eq!(refused(exchange(&auth, &cookie).await), code(400, "invalid_grant"));
    assert!(logout(&ada.inward).await.headers().get(SET_COOKIE).is_none());
}

#[actix_web::test]
async fn a_change_of_password_in_a_browser_answers_with_the_next_cookie() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let before = login(&auth, "ada@example.com").await;
    let body = json!({ "current_password": PASSWORD, "new_password": "nine blue foxes dance" });
    let request = testing::http().post(format!("{}{}", auth.base, routes::PASSWORD_CHANGE));
    let request = request.bearer_auth(inward(&auth, &before.cookie).await.expose()).json(&body);
    let after = kept(request.send().await.unwrap()).await;
    assert_ne!(before.told.session_id, after.told.session_id);
    assert_eq!(refused(exchange(&auth, &before.cookie).await), code(400, "invalid_grant"));
    assert!(exchange(&auth, &after.cookie).await.is_ok());
}

#[actix_web::test]
async fn an_unknown_mode_is_refused_before_anything_is_looked_at() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    for query in ["mode=cookies", "mode=", "mod=cookie"] {
        let url = format!("{}{}?{query}", auth.base, routes::LOGIN);
        let reply = testing::http().post(url).json(&body).send().await.unwrap();
        assert_eq!(reply.status(), 400, "{query}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM sessions").await, 0);
}
