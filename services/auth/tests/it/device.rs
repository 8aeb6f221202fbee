//! The list of devices, and what is told of a new one.

use contract_auth::{Secret, Tokens, routes};
use serde_json::json;

use crate::spawn::{Auth, PASSWORD, code, refused, spawn};

const ADA: &str = "ada@example.com";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const NEWER_FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0";

async fn login(auth: &Auth, user_agent: &str, ip: &str) -> Secret {
    let request = testing::http().post(format!("{}{}", auth.base, routes::LOGIN));
    let request = request.header("user-agent", user_agent).header("x-forwarded-for", ip);
    let reply = request.json(&json!({ "email": ADA, "password": PASSWORD })).send().await.unwrap();
    let tokens: Tokens = reply.json().await.unwrap();
    auth.inward(&tokens.access_token)
}

#[actix_web::test]
async fn people_recognise_their_devices() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let token = login(&auth, FIREFOX, "203.0.113.7").await;
    let session = auth.client.sessions(&token, "").await.unwrap().data.remove(0);
    assert_eq!(session.device.as_deref(), Some("Firefox on Linux"));
    assert_eq!(session.user_agent.as_deref(), Some(FIREFOX));
    assert_eq!(session.ip.as_deref(), Some("203.0.113.7"));
    assert_eq!((session.methods, session.current), (vec!["pwd".to_owned()], true));
    assert_eq!(session.authenticated_at, session.created_at);
}

#[actix_web::test]
async fn a_device_that_was_not_seen_there_before_is_told_by_mail() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let mails = "SELECT count(*) FROM mails WHERE kind = 'new_device'";
    for (user_agent, ip, told) in [
        (FIREFOX, "203.0.113.7", 0),
        (FIREFOX, "203.0.113.7", 0),
        (NEWER_FIREFOX, "203.0.113.99", 0),
        ("curl/8.14.1", "203.0.113.7", 1),
        (FIREFOX, "198.51.100.1", 2),
        (FIREFOX, "198.51.100.2", 2),
        ("curl/8.15.0", "203.0.113.8", 2),
    ] {
        login(&auth, user_agent, ip).await;
        assert_eq!(auth.count(mails).await, told, "{user_agent} {ip}");
    }
    let named =
        "SELECT count(*) FROM mails WHERE recipient = 'ada@example.com' AND variables->>'device' = 'curl'";
    assert_eq!(auth.count(named).await, 1);
}

#[actix_web::test]
async fn all_other_sessions_end_at_once() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    let others = [auth.login(ADA).await.unwrap(), auth.login(ADA).await.unwrap()];
    let eve = auth.somebody("eve@example.com").await;
    auth.client.end_other_sessions(&ada.inward).await.unwrap();
    for other in others {
        let inward = auth.inward(&other.access_token);
        assert_eq!(refused(auth.client.me(&inward).await), code(401, "token_revoked"));
        assert_eq!(refused(auth.client.refresh(&other.refresh_token).await), code(401, "session_ended"));
    }
    assert_eq!(auth.client.sessions(&ada.inward, "").await.unwrap().data.len(), 1);
    assert!(auth.client.me(&eve.inward).await.is_ok());
    auth.client.end_other_sessions(&ada.inward).await.unwrap();
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'session.others_ended'";
    assert_eq!(auth.count(audited).await, 1, "where there are none, nothing happens");
}
