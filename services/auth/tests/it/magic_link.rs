use contract_auth::{MailKind, Secret};

use crate::{
    mailbox::{spawn, spawn_and},
    spawn::{Auth, claims_of, code, refused},
};

pub(crate) async fn wanted(auth: &Auth, email: &str) -> Secret {
    auth.client.want_magic_link(email).await.unwrap();
    auth.mailed(email, MailKind::MagicLink).await
}

#[actix_web::test]
async fn a_mailed_link_logs_in_and_verifies_the_address() {
    let auth = spawn_and(&[("AUTH__LOGIN__REQUIRES_VERIFIED_EMAIL", "true")]).await;
    auth.register("ada@example.com").await;
    let token = wanted(&auth, "ada@example.com").await;
    let tokens = auth.client.follow_magic_link(&token).await.unwrap().tokens().unwrap();
    assert!(claims_of(&tokens.access_token).scope.contains("payments:write"), "verified at once");
    assert!(auth.client.me(&auth.inward(&tokens.access_token)).await.unwrap().email_verified);
    assert!(auth.client.refresh(&tokens.refresh_token).await.is_ok());
    assert_eq!(refused(auth.client.follow_magic_link(&token).await), code(401, "one_time_token_invalid"));
}

#[actix_web::test]
async fn of_several_links_one_is_followed() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let (first, second) = (wanted(&auth, "ada@example.com").await, wanted(&auth, "ada@example.com").await);
    assert_ne!(first, second);
    assert!(auth.client.follow_magic_link(&first).await.is_ok());
    assert_eq!(refused(auth.client.follow_magic_link(&second).await), code(401, "one_time_token_invalid"));
}

#[actix_web::test]
async fn a_banned_user_does_not_get_in_by_mail() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let token = wanted(&auth, "ada@example.com").await;
    auth.client.ban(&auth.admin().await, ada.id(), "spam").await.unwrap();
    assert_eq!(refused(auth.client.follow_magic_link(&token).await), code(401, "account_suspended"));
    assert_eq!(
        auth.count("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").await,
        1,
        "the administrator's"
    );
}

#[actix_web::test]
async fn where_it_is_switched_off_nobody_logs_in_by_mail() {
    let auth = spawn_and(&[("AUTH__LOGIN__MAGIC_LINK", "false")]).await;
    auth.register("ada@example.com").await;
    let off = code(403, "magic_links_disabled");
    assert_eq!(refused(auth.client.want_magic_link("ada@example.com").await), off);
    assert_eq!(refused(auth.client.follow_magic_link(&"plt_x".into()).await), off);
    assert_eq!(auth.kinds("ada@example.com").await, [MailKind::VerifyEmail]);
}
