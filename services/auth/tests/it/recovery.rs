use contract_auth::{Login, MailKind, PasswordReset, Secret};
use serde_json::json;

use crate::{
    mailbox::spawn,
    spawn::{Auth, PASSWORD, code, refused},
};

const NEW: &str = "nine blue foxes dance";

pub(crate) async fn reset(auth: &Auth, token: &Secret, password: &str) -> Result<(), (u16, String)> {
    let reset = PasswordReset { token: token.clone(), new_password: password.into() };
    let outcome = auth.client.reset_password(&reset).await;
    if outcome.is_ok() { Ok(()) } else { Err(refused(outcome)) }
}

pub(crate) async fn wanted(auth: &Auth, email: &str) -> Secret {
    auth.client.forgot_password(&email.to_uppercase()).await.unwrap();
    auth.mailed(email, MailKind::ResetPassword).await
}

/// What is audited and told of it.
pub(crate) async fn live(auth: &Auth) {
    auth.register("oblivious@example.com").await;
    let token = wanted(auth, "oblivious@example.com").await;
    reset(auth, &token, NEW).await.unwrap();
}

#[actix_web::test]
async fn a_forgotten_password_is_set_anew_and_everybody_is_out() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.verify("ada@example.com").await;
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    let before = crate::spawn::Somebody { inward: auth.inward(&next.access_token), tokens: next, ..ada };
    let key = auth.api_key(&before, &["auth:read"]).await;
    let other = wanted(&auth, "ada@example.com").await;
    auth.client.want_magic_link("ada@example.com").await.unwrap();
    let link = auth.mailed("ada@example.com", MailKind::MagicLink).await;
    let token = wanted(&auth, "ada@example.com").await;
    reset(&auth, &token, NEW).await.unwrap();
    assert_eq!(refused(auth.client.me(&before.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.client.refresh(&before.tokens.refresh_token).await), code(401, "session_ended"));
    assert_eq!(refused(auth.login("ada@example.com").await), code(401, "wrong_credentials"));
    let invalid = code(401, "one_time_token_invalid");
    assert_eq!(reset(&auth, &other, PASSWORD).await, Err(invalid.clone()), "the other link is void");
    assert_eq!(refused(auth.client.follow_magic_link(&link).await), invalid);
    let login = Login { email: "ada@example.com".to_owned(), password: NEW.into() };
    let back = auth.client.login(&login).await.unwrap().tokens().unwrap();
    let keys = auth.client.api_keys(&auth.inward(&back.access_token), "").await.unwrap();
    assert_eq!(keys.data, [key.shown], "of an account that was its holder's already, keys stay");
    assert_eq!(auth.kinds("ada@example.com").await.last(), Some(&MailKind::PasswordChanged));
}

#[actix_web::test]
async fn a_reset_logs_nobody_in() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let body = json!({ "token": wanted(&auth, "ada@example.com").await.expose(), "new_password": NEW });
    let url = format!("{}{}", auth.base, contract_auth::routes::PASSWORD_RESET);
    let reply = testing::http().post(url).json(&body).send().await.unwrap();
    assert_eq!(reply.json::<serde_json::Value>().await.unwrap(), json!({ "status": "reset" }));
    assert_eq!(auth.count("SELECT count(*) FROM sessions").await, 0, "a second factor is not passed by");
}

#[actix_web::test]
async fn a_refused_password_leaves_the_token_as_it_is() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let token = wanted(&auth, "ada@example.com").await;
    for bad in ["short", "passwordpassword", "ada@example.com"] {
        assert_eq!(reset(&auth, &token, bad).await, Err(code(422, "invalid_fields")), "{bad}");
    }
    reset(&auth, &token, NEW).await.unwrap();
}

#[actix_web::test]
async fn whether_an_address_has_an_account_shows_nowhere() {
    let auth = crate::spawn::spawn().await;
    auth.register("ada@example.com").await;
    auth.sql("DELETE FROM jobs").await;
    for path in [contract_auth::routes::PASSWORD_FORGOT, contract_auth::routes::MAGIC_LINK] {
        let mut bodies = Vec::new();
        for email in ["ada@example.com", "eve@example.com"] {
            let url = format!("{}{path}", auth.base);
            let reply = testing::http().post(url).json(&json!({ "email": email })).send().await.unwrap();
            assert_eq!(reply.status(), 202);
            bodies.push(reply.text().await.unwrap());
        }
        assert_eq!(bodies[0], bodies[1], "{path}");
    }
    let shapes = "SELECT count(DISTINCT (kind, length(payload::text), payload->'letter')) FROM jobs";
    assert_eq!((auth.count("SELECT count(*) FROM jobs").await, auth.count(shapes).await), (4, 2));
    assert_eq!(auth.count("SELECT count(*) FROM jobs WHERE payload::text LIKE '%@%'").await, 0);
}

#[actix_web::test]
async fn nobody_is_mailed_at_an_address_without_an_account() {
    let auth = spawn().await;
    auth.client.forgot_password("eve@example.com").await.unwrap();
    auth.client.want_magic_link("eve@example.com").await.unwrap();
    assert!(auth.kinds("eve@example.com").await.is_empty());
    assert_eq!(
        auth.count(
            "SELECT count(*) FROM jobs_history WHERE outcome = 'succeeded' AND kind = 'auth.send_link'"
        )
        .await,
        2
    );
}

#[actix_web::test]
async fn an_account_gets_five_of_each_link_an_hour() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    for _ in 0..8 {
        auth.client.forgot_password("ada@example.com").await.unwrap();
        auth.client.want_magic_link("ada@example.com").await.unwrap();
    }
    let kinds = auth.kinds("ada@example.com").await;
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!((count(MailKind::ResetPassword), count(MailKind::MagicLink)), (5, 5));
}

#[actix_web::test]
async fn a_banned_user_is_mailed_nothing_and_resets_nothing() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let token = wanted(&auth, "ada@example.com").await;
    auth.client.ban(&auth.admin().await, ada.id(), "spam").await.unwrap();
    let before = auth.kinds("ada@example.com").await;
    auth.client.forgot_password("ada@example.com").await.unwrap();
    auth.client.want_magic_link("ada@example.com").await.unwrap();
    assert_eq!(auth.kinds("ada@example.com").await, before);
    assert_eq!(reset(&auth, &token, NEW).await, Err(code(401, "account_suspended")));
    auth.sql("UPDATE users SET banned_at = NULL").await;
    assert!(auth.login("ada@example.com").await.is_ok(), "the password is as it was");
}

#[actix_web::test]
async fn a_changed_password_is_told_by_mail() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let change =
        contract_auth::PasswordChange { current_password: PASSWORD.into(), new_password: NEW.into() };
    auth.client.change_password(&ada.inward, &change).await.unwrap();
    assert!(auth.kinds("ada@example.com").await.contains(&MailKind::PasswordChanged));
}
