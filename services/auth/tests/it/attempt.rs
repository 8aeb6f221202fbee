//! Many attempts: delays, locks, and what they tell nobody.

use std::time::Duration;

use contract_auth::{Login, MailKind, PasswordChange, PasswordReset, Secret, StepUp, routes};
use futures_util::future::join_all;
use serde_json::{Value, json};
use service_discovery::{CallError, Service};

use crate::{
    cookie, mailbox,
    second_factor::guarded,
    spawn::{Auth, PASSWORD, claims_of, code, gateway_secret, refused, spawn, spawn_with},
};

const ADA: &str = "ada@example.com";
const WRONG: &str = "a wrong but long password";

async fn login(auth: &Auth, email: &str, password: &str) -> Result<(), CallError> {
    let login = Login { email: email.to_owned(), password: password.into() };
    auth.client.login(&login).await.map(drop)
}

async fn fail(auth: &Auth, email: &str) -> u16 {
    refused(login(auth, email, WRONG).await).0
}

/// As if the delays had passed.
async fn wait(auth: &Auth) {
    auth.sql("UPDATE attempts SET locked_until = now() - interval '1 second'").await;
}

/// All that is audited of attempts.
pub(crate) async fn live(auth: &Auth) {
    let liv = auth.somebody("liv@example.com").await;
    fail(auth, &liv.email).await;
    auth.sql("UPDATE attempts SET failures = 9").await;
    fail(auth, &liv.email).await;
    auth.client.unlock(&auth.admin().await, liv.id()).await.unwrap();
    auth.login(&liv.email).await.unwrap();
    auth.sql("DELETE FROM attempts").await;
}

#[actix_web::test]
async fn after_five_wrong_passwords_even_the_right_one_waits_and_nobody_learns_who_has_an_account() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let mut bodies = Vec::new();
    for email in [ADA, "eve@example.com", "no address at all"] {
        for _ in 0..5 {
            assert_eq!(fail(&auth, email).await, 401, "{email}");
        }
        let request = testing::http().post(format!("{}{}", auth.base, routes::LOGIN));
        let body = json!({ "email": email.to_uppercase(), "password": PASSWORD });
        let reply = request.header("x-request-id", "same").json(&body).send().await.unwrap();
        assert_eq!(reply.status(), 429, "{email}");
        let seconds: u64 = reply.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=30).contains(&seconds), "{seconds}");
        bodies.push(reply.text().await.unwrap());
    }
    assert!(bodies.iter().all(|body| *body == bodies[0] && body.contains("too_many_attempts")), "{bodies:?}");
    wait(&auth).await;
    assert!(auth.login(ADA).await.is_ok());
    assert_eq!(fail(&auth, ADA).await, 401, "a success clears the counter");
}

#[actix_web::test]
async fn delays_grow_to_an_hour_and_a_hundred_failures_lock_until_somebody_vouches() {
    let auth = spawn_with(&[("AUTH__LOGIN__FAILURES_PER_ADDRESS", "0")]).await;
    let ada = auth.somebody(ADA).await;
    let delay = "SELECT greatest(0, extract(epoch FROM max(locked_until - since)))::bigint FROM attempts";
    let mut delays = Vec::new();
    for _ in 0..13 {
        assert_eq!(fail(&auth, ADA).await, 401);
        delays.push(auth.count(delay).await);
        wait(&auth).await;
    }
    assert_eq!(delays, [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
    auth.sql("UPDATE attempts SET failures = 99").await;
    assert_eq!(fail(&auth, ADA).await, 401, "the hundredth");
    wait(&auth).await;
    assert_eq!(refused(login(&auth, ADA, PASSWORD).await), code(429, "too_many_attempts"));
    assert!(auth.client.me(&ada.inward).await.is_ok(), "sessions are not touched");
    let admin = auth.admin().await;
    auth.client.unlock(&admin, ada.id()).await.unwrap();
    assert!(auth.login(ADA).await.is_ok());
}

#[actix_web::test]
async fn a_new_password_by_mail_opens_what_many_wrong_ones_have_locked() {
    let auth = mailbox::spawn_and(&[("AUTH__LOGIN__FAILURES_PER_ADDRESS", "0")]).await;
    auth.register(ADA).await;
    fail(&auth, ADA).await;
    auth.sql("UPDATE attempts SET failures = 100").await;
    assert_eq!(refused(login(&auth, ADA, PASSWORD).await), code(429, "too_many_attempts"));
    auth.client.forgot_password(ADA).await.unwrap();
    let token = auth.mailed(ADA, MailKind::ResetPassword).await;
    let new_password = "nine blue foxes dance";
    auth.client.reset_password(&PasswordReset { token, new_password: new_password.into() }).await.unwrap();
    assert!(login(&auth, ADA, new_password).await.is_ok());
}

#[actix_web::test]
async fn many_at_once_get_no_more_guesses_than_are_free() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let statuses = join_all((0..50).map(|_| fail(&auth, ADA))).await;
    let judged = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(judged, 5, "{statuses:?}");
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
}

#[actix_web::test]
async fn many_at_once_with_the_right_password_all_get_in() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let outcomes = join_all((0..20).map(|_| auth.login(ADA))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[actix_web::test]
async fn every_check_of_a_password_shares_its_counter() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    let change =
        PasswordChange { current_password: WRONG.into(), new_password: "nine blue foxes dance".into() };
    let step_up = StepUp { password: Some(WRONG.into()), ..StepUp::default() };
    for _ in 0..2 {
        assert_eq!(refused(auth.client.change_password(&ada.inward, &change).await).0, 422);
        assert_eq!(refused(auth.client.step_up(&ada.inward, &step_up).await).0, 422);
    }
    assert_eq!(fail(&auth, ADA).await, 401);
    assert_eq!(refused(login(&auth, ADA, PASSWORD).await), code(429, "too_many_attempts"));
    assert_eq!(
        refused(auth.client.change_password(&ada.inward, &change).await),
        code(429, "too_many_attempts")
    );
    assert_eq!(refused(auth.client.step_up(&ada.inward, &step_up).await), code(429, "too_many_attempts"));
}

/// CVE-2026-45364: a limit that counts each IPv6 address alone is none.
#[actix_web::test]
async fn two_hundred_logins_from_one_ipv6_network_meet_a_429() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let login = async |ip: String, email: String, password: &str| {
        let request = testing::http().post(format!("{}{}", auth.base, routes::LOGIN));
        let request = request.header("x-forwarded-for", ip);
        let body = json!({ "email": email, "password": password });
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    let mut statuses = Vec::new();
    for number in 0..200 {
        let ip = format!("2001:db8:1:2:{number:x}::{number:x}");
        statuses.push(login(ip, format!("nobody-{number}@example.com"), WRONG).await);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 60, "{statuses:?}");
    assert!(statuses[60..].iter().all(|status| *status == 429));
    let ada = |ip: &str| login(ip.to_owned(), ADA.to_owned(), PASSWORD);
    assert_eq!(ada("2001:db8:1:2::1").await, 429, "the right password as well");
    assert_eq!(ada("2001:db8:1:3::1").await, 200, "another line");
    assert_eq!(ada("203.0.113.7").await, 200);
    auth.sql("UPDATE attempts SET since = since - interval '10 minutes'").await;
    assert_eq!(ada("2001:db8:1:2::1").await, 200, "ten minutes later");
}

#[actix_web::test]
async fn logins_that_succeed_count_for_no_address() {
    let auth = spawn_with(&[("AUTH__LOGIN__FAILURES_PER_ADDRESS", "3")]).await;
    auth.register(ADA).await;
    for _ in 0..10 {
        assert!(auth.login(ADA).await.is_ok());
    }
    let mut statuses = Vec::new();
    for number in 0..5 {
        statuses.push(fail(&auth, &format!("nobody-{number}@example.com")).await);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
}

#[actix_web::test]
async fn a_long_lock_is_told_to_the_owner_alone_and_leaves_as_much_without_one() {
    let auth = spawn_with(&[("AUTH__ROLE", "all")]).await;
    auth.register(ADA).await;
    for email in [ADA, "eve@example.com"] {
        for _ in 0..10 {
            assert_eq!(fail(&auth, email).await, 401);
            wait(&auth).await;
        }
    }
    let audited = "SELECT count(*) FROM audit_log WHERE action = 'login.locked'";
    assert_eq!(auth.count(audited).await, 2);
    let mails = "SELECT count(*) FROM mails WHERE kind = 'account_locked'";
    for _ in 0..600 {
        if auth.count(mails).await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(auth.count(&format!("{mails} AND recipient = 'ada@example.com'")).await, 1);
    assert_eq!(auth.count(mails).await, 1);
}

#[actix_web::test]
async fn counters_hold_no_address() {
    let auth = spawn().await;
    auth.register(ADA).await;
    fail(&auth, ADA).await;
    let client = auth.db.connect().await;
    let rows = client.query("SELECT key, attempts::text FROM attempts", &[]).await.unwrap();
    assert_eq!(rows.len(), 2, "the account's and the client's");
    for row in rows {
        assert_eq!(row.get::<_, Vec<u8>>(0).len(), 32);
        let text: String = row.get(1);
        assert!(!text.contains("ada") && !text.contains("127.0.0.1"), "{text}");
    }
}

/// A banned account is served on no other grant than the one it was banned for.
#[actix_web::test]
async fn a_banned_account_is_served_on_no_grant() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let key = auth.api_key(&ada.who, &["auth:read"]).await.key;
    auth.sql("UPDATE sessions SET cookie = false").await;
    let eve = auth.somebody("eve@example.com").await;
    let url = format!("{}{}?mode=cookie", auth.base, routes::LOGIN);
    let body = json!({ "email": eve.email, "password": PASSWORD });
    let cookie = cookie::kept(testing::http().post(url).json(&body).send().await.unwrap()).await.cookie;
    let body = json!({ "email": ADA, "password": PASSWORD });
    let half = testing::http().post(format!("{}{}", auth.base, routes::LOGIN)).json(&body);
    let half: Value = half.send().await.unwrap().json().await.unwrap();
    auth.sql("UPDATE users SET banned_at = now()").await;
    let suspended = code(401, "account_suspended");
    assert_eq!(
        refused(auth.client.login(&Login { email: eve.email, password: PASSWORD.into() }).await),
        suspended
    );
    assert_eq!(refused(auth.client.refresh(&ada.who.tokens.refresh_token).await), suspended);
    let grant = contract_auth::Grant::Exchange(contract_auth::Exchange::ApiKey(key));
    let outcome = auth.internal.token(Service::Gateway, &gateway_secret(), grant).await;
    assert_eq!(refused(outcome), code(400, "invalid_grant"));
    assert_eq!(refused(cookie::exchange(&auth, &cookie).await), code(400, "invalid_grant"));
    let proof = contract_auth::SecondFactorProof {
        mfa_token: Secret::from(half["mfa_token"].as_str().unwrap()),
        method: contract_auth::SecondFactorMethod::Totp,
        code: ada.code(0),
    };
    assert_eq!(refused(auth.client.verify_second_factor(&proof).await), suspended);
    let step_up = StepUp { password: Some(PASSWORD.into()), ..StepUp::default() };
    assert_eq!(refused(auth.client.step_up(&eve.inward, &step_up).await).0, 401);
    assert_eq!(claims_of(&eve.inward).amr, ["pwd"]);
}
