//! Somebody registered an address before its owner came (arXiv 2205.10174). Whoever proves the
//! mailbox first, otherwise than by the registration's own link, shares the account with nobody.

use contract_auth::{Exchange, Grant, MailKind, PasswordReset, Secret};
use service_discovery::Service;

use crate::{
    mailbox::spawn,
    spawn::{Auth, Somebody, code, gateway_secret, refused},
};

const VICTIM: &str = "victim@example.com";
const THIEF: &str = "thief@example.org";
const NEW: &str = "nine blue foxes dance";

/// All that somebody may set up who registers another's address.
struct Squat {
    who: Somebody,
    key: Secret,
    ticket: Secret,
    wish: Secret,
    link: Secret,
}

async fn squat(auth: &Auth) -> Squat {
    let who = auth.somebody(VICTIM).await;
    let key = auth.api_key(&who, &["auth:read", "auth:write"]).await.key;
    auth.client.change_email(&who.inward, THIEF).await.unwrap();
    let ticket = auth.client.ws_ticket(&who.inward).await.unwrap().ticket;
    let wish = auth.mailed(THIEF, MailKind::ConfirmNewEmail).await;
    let link = auth.mailed(VICTIM, MailKind::VerifyEmail).await;
    Squat { who, key, ticket, wish, link }
}

/// Nothing of it opens anything.
async fn require_dead(auth: &Auth, squat: &Squat) {
    let Squat { who, key, ticket, wish, link } = squat;
    assert_eq!(refused(auth.login(VICTIM).await), code(401, "wrong_credentials"));
    assert_eq!(refused(auth.client.me(&who.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.client.refresh(&who.tokens.refresh_token).await), code(401, "session_ended"));
    for exchange in [Exchange::ApiKey(key.clone()), Exchange::WsTicket(ticket.clone())] {
        let outcome =
            auth.internal.token(Service::Gateway, &gateway_secret(), Grant::Exchange(exchange)).await;
        assert_eq!(refused(outcome), code(400, "invalid_grant"));
    }
    let invalid = code(401, "one_time_token_invalid");
    assert_eq!(refused(auth.client.confirm_email(wish).await), invalid, "a change that was asked for before");
    assert_eq!(refused(auth.client.verify_email(link).await), invalid);
    assert_eq!(auth.count("SELECT count(*) FROM api_keys").await, 0);
}

#[actix_web::test]
async fn a_squatter_is_out_when_the_owner_resets_the_password() {
    let auth = spawn().await;
    let squat = squat(&auth).await;
    auth.client.forgot_password(VICTIM).await.unwrap();
    let token = auth.mailed(VICTIM, MailKind::ResetPassword).await;
    auth.client.reset_password(&PasswordReset { token, new_password: NEW.into() }).await.unwrap();
    require_dead(&auth, &squat).await;
    let login = contract_auth::Login { email: VICTIM.to_owned(), password: NEW.into() };
    let own = auth.client.login(&login).await.unwrap().tokens().unwrap();
    assert!(auth.client.me(&auth.inward(&own.access_token)).await.unwrap().email_verified);
}

#[actix_web::test]
async fn a_squatter_is_out_when_the_owner_registers_and_takes_the_mailed_way_in() {
    let auth = spawn().await;
    let squat = squat(&auth).await;
    auth.register(VICTIM).await;
    let token = auth.mailed(VICTIM, MailKind::AlreadyRegistered).await;
    auth.client.reset_password(&PasswordReset { token, new_password: NEW.into() }).await.unwrap();
    require_dead(&auth, &squat).await;
}

#[actix_web::test]
async fn a_squatter_is_out_when_the_owner_logs_in_by_mail() {
    let auth = spawn().await;
    let squat = squat(&auth).await;
    auth.client.want_magic_link(VICTIM).await.unwrap();
    let token = auth.mailed(VICTIM, MailKind::MagicLink).await;
    let own = auth.client.follow_magic_link(&token).await.unwrap().tokens().unwrap();
    require_dead(&auth, &squat).await;
    let inward = auth.inward(&own.access_token);
    assert!(auth.client.me(&inward).await.unwrap().email_verified);
    assert_eq!(auth.client.sessions(&inward, "").await.unwrap().data.len(), 1);
    let claimed = "SELECT count(*) FROM audit_log WHERE action = 'account.claimed'";
    assert_eq!(auth.count(claimed).await, 1);
}

/// A login that was under way with the squatter's password comes too late.
#[actix_web::test]
async fn a_login_that_the_owner_overtakes_opens_no_session() {
    let auth = spawn().await;
    auth.register(VICTIM).await;
    auth.client.want_magic_link(VICTIM).await.unwrap();
    let token = auth.mailed(VICTIM, MailKind::MagicLink).await;
    let (squatters, owners) =
        futures_util::future::join(auth.login(VICTIM), auth.client.follow_magic_link(&token)).await;
    assert!(owners.is_ok());
    if let Ok(early) = squatters {
        assert_eq!(refused(auth.client.refresh(&early.refresh_token).await), code(401, "session_ended"));
    }
    assert_eq!(auth.count("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").await, 1);
}

/// The ordinary way: who registered follows the link that they waited for.
#[actix_web::test]
async fn the_registrations_own_link_keeps_its_password_and_ends_wishes_for_another_address() {
    let auth = spawn().await;
    let squat = squat(&auth).await;
    auth.client.verify_email(&squat.link).await.unwrap();
    assert!(auth.login(VICTIM).await.is_ok());
    assert!(auth.client.refresh(&squat.who.tokens.refresh_token).await.is_ok());
    let outcome = auth.client.confirm_email(&squat.wish).await;
    assert_eq!(refused(outcome), code(401, "one_time_token_invalid"));
}

/// Once the mailbox is proven, another proof of it drops nothing.
#[actix_web::test]
async fn a_second_proof_leaves_what_is_the_owners() {
    let auth = spawn().await;
    auth.register(VICTIM).await;
    auth.verify(VICTIM).await;
    let tokens = auth.login(VICTIM).await.unwrap();
    let inward = auth.inward(&tokens.access_token);
    let who = Somebody { email: VICTIM.to_owned(), tokens, inward };
    let key = auth.api_key(&who, &["auth:read"]).await;
    auth.client.want_magic_link(VICTIM).await.unwrap();
    let token = auth.mailed(VICTIM, MailKind::MagicLink).await;
    auth.client.follow_magic_link(&token).await.unwrap();
    assert!(auth.client.me(&who.inward).await.is_ok());
    assert!(auth.login(VICTIM).await.is_ok());
    assert_eq!(auth.client.api_keys(&who.inward, "").await.unwrap().data, [key.shown]);
}
