//! Provably absent: credentials that are alive after the user's deletion, neither when it is
//! asked for nor when it is carried out.

use contract_auth::{MailKind, PasswordReset, Secret};

use super::GONE;
use crate::{
    api_key_secret, cookie, mailbox,
    spawn::{AT_ONCE, Auth, Somebody, code, refused, spawn, spawn_with},
    ws_ticket,
};

const ADA: &str = "ada@example.com";

/// Lets the time of grace end, and the job do its work.
async fn end(auth: &Auth) {
    auth.days_pass().await;
    auth.until(GONE, 1).await;
}

/// The token opens nothing; other processes hear of it a moment later.
async fn is_void(auth: &Auth, inward: &Secret) {
    for _ in 0..100 {
        if let Err(refusal) = auth.client.me(inward).await {
            let (status, code) = refused(Err::<(), _>(refusal));
            assert_eq!(status, 401, "{code}");
            if code == "token_revoked" {
                return;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("a token is alive");
}

#[actix_web::test]
async fn no_access_token_lives_after_a_deletion_is_scheduled_or_done() {
    let auth = mailbox::spawn().await;
    let ada = auth.somebody(ADA).await;
    let phone = auth.back(ADA).await;
    auth.leave(&ada.inward).await;
    for before in [&ada.inward, &phone.inward] {
        assert_eq!(refused(auth.client.me(before).await), code(401, "token_revoked"));
    }
    let narrow = auth.back(ADA).await;
    assert!(auth.client.me(&narrow.inward).await.is_ok());
    end(&auth).await;
    is_void(&auth, &narrow.inward).await;
    for before in [&ada.inward, &phone.inward] {
        is_void(&auth, before).await;
    }
    assert_eq!(refused(auth.client.restore_me(&narrow.inward).await).0, 401);
    assert_eq!(refused(auth.login(ADA).await), code(401, "wrong_credentials"));
}

#[actix_web::test]
async fn no_refresh_token_lives_after_a_deletion_is_scheduled_or_done() {
    let auth = mailbox::spawn().await;
    let ada = auth.somebody(ADA).await;
    let phone = auth.back(ADA).await;
    auth.leave(&ada.inward).await;
    let ended = code(401, "session_ended");
    let refresh = async |who: &Somebody| refused(auth.client.refresh(&who.tokens.refresh_token).await);
    assert_eq!((refresh(&ada).await, refresh(&phone).await), (ended.clone(), ended.clone()));
    let narrow = auth.back(ADA).await;
    end(&auth).await;
    for who in [&ada, &phone, &narrow] {
        assert_eq!(refresh(who).await, ended);
    }
}

#[actix_web::test]
async fn no_cookie_lives_after_a_deletion_is_scheduled_or_done() {
    let auth = mailbox::spawn().await;
    let ada = auth.somebody(ADA).await;
    let before = cookie::login(&auth, ADA).await.cookie;
    let held = cookie::inward(&auth, &before).await;
    auth.leave(&ada.inward).await;
    let nothing = code(400, "invalid_grant");
    assert_eq!(refused(cookie::exchange(&auth, &before).await), nothing);
    assert_eq!(refused(auth.client.me(&held).await), code(401, "token_revoked"));
    let narrow = cookie::login(&auth, ADA).await.cookie;
    let held = cookie::inward(&auth, &narrow).await;
    end(&auth).await;
    for cookie in [&before, &narrow] {
        assert_eq!(refused(cookie::exchange(&auth, cookie).await), nothing);
    }
    is_void(&auth, &held).await;
}

#[actix_web::test]
async fn no_api_key_lives_after_a_deletion_is_scheduled_or_done() {
    let auth = mailbox::spawn().await;
    let ada = auth.somebody(ADA).await;
    let key = auth.api_key(&ada, &["auth:read"]).await.key;
    let held = auth.inward(&api_key_secret::exchange(&auth, &key).await.unwrap().access_token);
    assert!(auth.client.me(&held).await.is_ok());
    auth.leave(&ada.inward).await;
    let nothing = code(400, "invalid_grant");
    assert_eq!(refused(api_key_secret::exchange(&auth, &key).await), nothing);
    assert!(auth.client.me(&held).await.is_err(), "a token that it was exchanged for");
    assert_eq!(auth.left("api_keys", ada.id()).await, 1, "it is kept for who restores");
    end(&auth).await;
    assert_eq!(refused(api_key_secret::exchange(&auth, &key).await), nothing);
    assert_eq!(auth.left("api_keys", ada.id()).await, 0);
}

#[actix_web::test]
async fn no_mailed_link_or_ticket_lives_after_a_deletion_is_scheduled_or_done() {
    let auth = mailbox::spawn().await;
    let ada = auth.somebody(ADA).await;
    let links = async || {
        auth.client.want_magic_link(ADA).await.unwrap();
        auth.client.forgot_password(ADA).await.unwrap();
        (auth.mailed(ADA, MailKind::MagicLink).await, auth.mailed(ADA, MailKind::ResetPassword).await)
    };
    let (before, ticket) = (links().await, ws_ticket::ticket(&auth, &ada.inward).await);
    let dead = async |(link, reset): &(Secret, Secret), ticket: &Secret| {
        let invalid = code(401, "one_time_token_invalid");
        assert_eq!(refused(auth.client.follow_magic_link(link).await), invalid);
        let reset = PasswordReset { token: reset.clone(), new_password: "nine blue foxes dance".into() };
        assert_eq!(refused(auth.client.reset_password(&reset).await), invalid);
        assert_eq!(refused(ws_ticket::redeem(&auth, ticket).await), code(400, "invalid_grant"));
    };
    auth.leave(&ada.inward).await;
    dead(&before, &ticket).await;
    let back = auth.back(ADA).await;
    let (late, ticket) = (links().await, ws_ticket::ticket(&auth, &back.inward).await);
    end(&auth).await;
    dead(&late, &ticket).await;
}

#[actix_web::test]
async fn nothing_is_alive_after_a_deletion_without_a_time_of_grace() {
    let auth = spawn_with(&[AT_ONCE]).await;
    let ada = auth.somebody(ADA).await;
    let (cookie, key) =
        (cookie::login(&auth, ADA).await.cookie, auth.api_key(&ada, &["auth:read"]).await.key);
    let held = cookie::inward(&auth, &cookie).await;
    assert_eq!(auth.client.delete_me(&ada.inward).await.unwrap(), None);
    for token in [&ada.inward, &held] {
        assert_eq!(refused(auth.client.me(token).await), code(401, "token_revoked"));
    }
    assert_eq!(refused(auth.client.refresh(&ada.tokens.refresh_token).await), code(401, "session_ended"));
    assert_eq!(refused(cookie::exchange(&auth, &cookie).await), code(400, "invalid_grant"));
    assert_eq!(refused(api_key_secret::exchange(&auth, &key).await), code(400, "invalid_grant"));
}

/// As when another replica did it, and the feed has not told yet.
#[actix_web::test]
async fn what_acts_by_a_token_from_before_is_refused_in_its_transaction() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    let late = "UPDATE users SET delete_at = now() + interval '1 day', version = version + 1";
    auth.sql(late).await;
    assert_eq!(refused(auth.client.restore_me(&ada.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.client.delete_me(&ada.inward).await), code(401, "token_revoked"));
    assert_eq!(auth.count("SELECT count(*) FROM users WHERE delete_at IS NULL").await, 0);
}
