use contract_auth::{MailKind, PasswordReset, routes};
use serde_json::json;

use crate::{
    mailbox::spawn,
    spawn::{PASSWORD, claims_of, code, refused},
};

const NEW: &str = "nine blue foxes dance";

#[actix_web::test]
async fn a_registration_mails_a_link_that_verifies_the_address() {
    let auth = spawn().await;
    let ada = auth.somebody("Ada@Example.com").await;
    assert!(!claims_of(&ada.tokens.access_token).scope.contains("payments:write"));
    let mail = auth.mail("ada@example.com", MailKind::VerifyEmail).await;
    let token = mail.token.unwrap();
    let link = format!("http://127.0.0.1:8080/verify-email?token={}", token.expose());
    assert_eq!((mail.link.unwrap().expose(), mail.user_id), (link.as_str(), Some(ada.id())));
    assert_eq!(auth.client.verify_email(&token).await.unwrap().status, "verified");
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert!(claims_of(&next.access_token).scope.contains("payments:write"), "what waited for it");
    assert!(auth.client.me(&auth.inward(&next.access_token)).await.unwrap().email_verified);
    assert!(auth.login("ada@example.com").await.is_ok(), "with the password of the registration");
    assert_eq!(auth.kinds("ada@example.com").await, [MailKind::VerifyEmail]);
}

#[actix_web::test]
async fn a_link_verifies_the_address_that_it_was_mailed_to_and_no_other() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let token = auth.mailed("ada@example.com", MailKind::VerifyEmail).await;
    auth.sql("UPDATE users SET email = 'lovelace@example.com'").await;
    assert_eq!(refused(auth.client.verify_email(&token).await), code(401, "one_time_token_invalid"));
    assert_eq!(auth.count("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 0);
}

#[actix_web::test]
async fn who_lost_the_mail_gets_another_and_who_needs_none_does_not() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.client.resend_verification(&ada.inward).await.unwrap();
    let mails = auth.mails("ada@example.com").await;
    let [first, second] = &mails[..] else { panic!("{mails:?}") };
    assert_ne!(first.token, second.token);
    auth.client.verify_email(first.token.as_ref().unwrap()).await.unwrap();
    let late = auth.client.verify_email(second.token.as_ref().unwrap()).await;
    assert_eq!(refused(late), code(401, "one_time_token_invalid"));
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    let inward = auth.inward(&next.access_token);
    assert_eq!(refused(auth.client.resend_verification(&inward).await), code(409, "email_already_verified"));
}

#[actix_web::test]
async fn a_sixth_mail_within_the_hour_is_refused_and_says_when() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.idle().await;
    for _ in 0..4 {
        auth.client.resend_verification(&ada.inward).await.unwrap();
    }
    let resend = testing::http().post(format!("{}{}", auth.base, routes::VERIFY_EMAIL_RESEND));
    let reply = resend.bearer_auth(ada.inward.expose()).send().await.unwrap();
    assert_eq!(reply.status(), 429);
    let wait: u64 = reply.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    assert_eq!(reply.json::<serde_json::Value>().await.unwrap()["code"], "too_many_mails");
    auth.mails_were_asked_for("1 hour").await;
    assert!(auth.client.resend_verification(&ada.inward).await.is_ok());
}

#[actix_web::test]
async fn who_registers_again_is_mailed_a_way_in_once_an_hour() {
    let auth = spawn().await;
    for _ in 0..4 {
        auth.register("ada@example.com").await;
    }
    let kinds = auth.kinds("ada@example.com").await;
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    // Two workers: either may be first.
    assert!(
        kinds.contains(&MailKind::VerifyEmail) && kinds.contains(&MailKind::AlreadyRegistered),
        "{kinds:?}"
    );
    auth.mails_were_asked_for("1 hour").await;
    auth.register("ada@example.com").await;
    let token = auth.mailed("ada@example.com", MailKind::AlreadyRegistered).await;
    assert_eq!(auth.kinds("ada@example.com").await.len(), 3);
    let reset = PasswordReset { token, new_password: NEW.into() };
    auth.client.reset_password(&reset).await.unwrap();
    assert!(auth.login("ada@example.com").await.is_err(), "the password of {PASSWORD} is gone");
}

/// What a registration leaves to be done looks alike for a new address and a known one, and
/// holds no address.
#[actix_web::test]
async fn a_registration_asks_for_one_mail_whether_or_not_there_is_an_account() {
    let auth = crate::spawn::spawn().await;
    auth.register("ada@example.com").await;
    auth.register("ada@example.com").await;
    let sql = "SELECT kind || ' ' || payload::text FROM jobs ORDER BY ord";
    let rows = auth.db.connect().await.query(sql, &[]).await.unwrap();
    let jobs: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(jobs.len(), 2, "{jobs:?}");
    assert!(jobs.iter().all(|job| job.starts_with("auth.send_link {") && !job.contains('@')), "{jobs:?}");
    assert_eq!(auth.count("SELECT count(*) FROM mails").await, 0, "the worker decides");
}

/// As an attacker who owns the front door's name would like it: links lead where the settings
/// say, whatever a request calls its host.
#[actix_web::test]
async fn a_forged_host_never_shows_in_a_mails_link() {
    let auth = crate::mailbox::spawn_and(&[("AUTH__LINKS__BASE", "https://app.example.org/")]).await;
    let forged = async |path: &str, bearer: Option<&str>, body: serde_json::Value| {
        let request = testing::http().post(format!("{}{path}", auth.base)).json(&body);
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let names = ["host", "x-forwarded-host", "x-forwarded-server", "x-original-host", "x-host", "origin"];
        let request = names.iter().fold(request, |request, name| request.header(*name, "evil.example"));
        let request = request
            .header("forwarded", "host=evil.example;proto=http")
            .header("referer", "https://evil.example/")
            .header("x-forwarded-proto", "http");
        assert_eq!(request.send().await.unwrap().status(), 202, "{path}");
    };
    let (email, new) = ("ada@example.com", "lovelace@example.com");
    for _ in 0..2 {
        forged(routes::REGISTER, None, json!({ "email": email, "password": PASSWORD })).await;
    }
    forged(routes::PASSWORD_FORGOT, None, json!({ "email": email })).await;
    forged(routes::MAGIC_LINK, None, json!({ "email": email })).await;
    let tokens = auth.login(email).await.unwrap();
    let inward = auth.inward(&tokens.access_token);
    forged(routes::EMAIL_CHANGE, Some(inward.expose()), json!({ "email": new })).await;
    let mails = [auth.mails(email).await, auth.mails(new).await].concat();
    assert_eq!(mails.len(), 5, "{mails:?}");
    for mail in mails {
        assert!(mail.link.unwrap().expose().starts_with("https://app.example.org/"), "{:?}", mail.kind);
    }
}

#[actix_web::test]
async fn mails_are_shown_to_the_mail_service_alone() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let id = auth.mail("ada@example.com", MailKind::VerifyEmail).await.id;
    let own = contract_auth::Grant::Own(service_discovery::Service::Auth);
    let secret = crate::spawn::PREFS_SECRET.to_owned().into();
    let prefs = auth.internal.token(service_discovery::Service::Prefs, &secret, own).await.unwrap();
    let outcome = auth.internal.mail(&prefs.access_token, id).await;
    assert_eq!(refused(outcome), code(403, "mail_service_required"));
    let ada = auth.login("ada@example.com").await.unwrap();
    assert!(auth.internal.mail(&auth.inward(&ada.access_token), id).await.is_err(), "nor to people");
}
