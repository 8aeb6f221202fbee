use contract_auth::MailKind;
use futures_util::future::join_all;

use crate::{
    mailbox::spawn,
    spawn::{Auth, claims_of, code, refused},
};

const NEW: &str = "lovelace@example.com";

/// What is audited and told of it.
pub(crate) async fn live(auth: &Auth) {
    let who = auth.somebody("first@example.com").await;
    auth.verify("first@example.com").await;
    let next = auth.client.refresh(&who.tokens.refresh_token).await.unwrap();
    auth.client.change_email(&auth.inward(&next.access_token), "second@example.com").await.unwrap();
    let token = auth.mailed("second@example.com", MailKind::ConfirmNewEmail).await;
    auth.client.confirm_email(&token).await.unwrap();
}

#[actix_web::test]
async fn a_new_address_is_confirmed_from_its_mailbox_and_the_old_one_is_told() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.client.forgot_password("ada@example.com").await.unwrap();
    let old_link = auth.mailed("ada@example.com", MailKind::ResetPassword).await;
    auth.client.change_email(&ada.inward, "Lovelace@Example.com").await.unwrap();
    assert_eq!(auth.client.me(&ada.inward).await.unwrap().email, "ada@example.com", "not yet");
    let token = auth.mailed(NEW, MailKind::ConfirmNewEmail).await;
    assert_eq!(auth.client.confirm_email(&token).await.unwrap().status, "changed");
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    let me = auth.client.me(&auth.inward(&next.access_token)).await.unwrap();
    assert_eq!((me.email.as_str(), me.email_verified), (NEW, true));
    assert_eq!(auth.kinds("ada@example.com").await.last(), Some(&MailKind::EmailChanged));
    assert_eq!(refused(auth.login("ada@example.com").await), code(401, "wrong_credentials"));
    assert!(auth.login(NEW).await.is_ok());
    let reset =
        contract_auth::PasswordReset { token: old_link, new_password: "nine blue foxes dance".into() };
    let outcome = auth.client.reset_password(&reset).await;
    assert_eq!(refused(outcome), code(401, "one_time_token_invalid"), "who has the old mailbox has nothing");
}

#[actix_web::test]
async fn an_address_that_is_taken_looks_the_same_until_it_is_confirmed() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let free = auth.client.change_email(&ada.inward, NEW).await.unwrap();
    let taken = auth.client.change_email(&ada.inward, "eve@example.com").await.unwrap();
    assert_eq!(free, taken);
    let token = auth.mailed("eve@example.com", MailKind::ConfirmNewEmail).await;
    assert_eq!(refused(auth.client.confirm_email(&token).await), code(401, "one_time_token_invalid"));
    assert_eq!(auth.client.me(&ada.inward).await.unwrap().email, "ada@example.com");
    assert_eq!(auth.client.me(&eve.inward).await.unwrap().email, "eve@example.com");
    let earlier = auth.mail(NEW, MailKind::ConfirmNewEmail).await;
    assert!(earlier.token.is_none(), "the latest wish counts");
}

#[actix_web::test]
async fn of_many_who_confirm_one_address_one_gets_it() {
    let auth = spawn().await;
    for number in 0..10 {
        let who = auth.somebody(&format!("ada{number}@example.com")).await;
        auth.client.change_email(&who.inward, NEW).await.unwrap();
    }
    let tokens: Vec<_> = auth.mails(NEW).await.into_iter().map(|mail| mail.token.unwrap()).collect();
    let outcomes = join_all(tokens.iter().map(|token| auth.client.confirm_email(token))).await;
    assert_eq!((outcomes.len(), outcomes.iter().filter(|outcome| outcome.is_ok()).count()), (10, 1));
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refused(outcome), code(401, "one_time_token_invalid"));
    }
}

#[actix_web::test]
async fn a_change_wants_a_fresh_login_and_another_address_that_is_one() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for bad in ["lovelace＠example.com", "lоvelace@example.com", "x", "ada@example.com", "ADA@example.com"]
    {
        let outcome = auth.client.change_email(&ada.inward, bad).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{bad}");
    }
    let key = auth.api_key(&ada, &["auth:write"]).await;
    let mut claims = claims_of(&ada.inward);
    claims.sid = Some(key.shown.id.to_string());
    let by_key = auth.issuer.sign(&claims).into();
    assert_eq!(refused(auth.client.change_email(&by_key, NEW).await), code(403, "session_required"));
    auth.sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'").await;
    assert_eq!(refused(auth.client.change_email(&ada.inward, NEW).await), code(403, "fresh_login_required"));
    assert!(auth.kinds(NEW).await.is_empty());
}

#[actix_web::test]
async fn a_sixth_address_within_the_hour_is_refused() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for number in 0..5 {
        auth.client.change_email(&ada.inward, &format!("new{number}@example.com")).await.unwrap();
    }
    assert_eq!(refused(auth.client.change_email(&ada.inward, NEW).await), code(429, "too_many_mails"));
}
