//! What a credential begins in the very moment in which it ends: nothing of it outlives the end,
//! and nobody waits for anybody in a circle.

use contract_auth::{
    Impersonate, Login, LoginReply, MailKind, NewApiKey, NewOrganization, PasswordReset, SecondFactorMethod,
    SecondFactorProof, Secret,
};
use futures_util::future::LocalBoxFuture;
use service_discovery::CallError;
use tokio::task::JoinHandle;
use tokio_postgres::Client as Held;

use crate::{
    deletion::BLOCKED,
    mailbox,
    organizations::role,
    second_factor::{enrolling, first_step, guarded},
    spawn::{Auth, PASSWORD, Somebody, code, refused, spawn},
    user_admin::administrator,
};

const ADA: &str = "ada@example.com";
const THIEF: &str = "thief@example.org";
const NEW: &str = "nine blue foxes dance";

type Outcome = Result<(), CallError>;

/// Whoever wants to change the account, or to have it stay as it is, waits until this is let go.
async fn hold_account(auth: &Auth, who: &Somebody) -> Held {
    let held = auth.db.connect().await;
    let hold = format!("BEGIN; SELECT FROM users WHERE id = '{}' FOR SHARE", who.id().uuid());
    held.batch_execute(&hold).await.unwrap();
    held
}

/// Sends it, and waits until it is the `nth` that is held up.
async fn held_up(auth: &Auth, nth: i64, request: LocalBoxFuture<'static, Outcome>) -> JoinHandle<Outcome> {
    let sent = actix_web::rt::spawn(request);
    auth.until(BLOCKED, nth).await;
    sent
}

async fn let_go(held: &Held) {
    held.batch_execute("COMMIT").await.unwrap();
}

/// A new password by the mailed link.
async fn resets(auth: &Auth) -> LocalBoxFuture<'static, Outcome> {
    auth.client.forgot_password(ADA).await.unwrap();
    let token = auth.mailed(ADA, MailKind::ResetPassword).await;
    let (client, reset) = (auth.client.clone(), PasswordReset { token, new_password: NEW.into() });
    Box::pin(async move { client.reset_password(&reset).await.map(drop) })
}

/// A login by the mailed link.
async fn follows(auth: &Auth) -> LocalBoxFuture<'static, Outcome> {
    auth.client.want_magic_link(ADA).await.unwrap();
    let (client, token) = (auth.client.clone(), auth.mailed(ADA, MailKind::MagicLink).await);
    Box::pin(async move { client.follow_magic_link(&token).await.map(drop) })
}

fn over() -> (u16, String) {
    code(401, "credential_ended")
}

/// It would be the thief's account when they follow their link.
#[actix_web::test]
async fn a_wish_for_another_address_that_a_reset_overtakes_is_mailed_to_nobody() {
    let auth = mailbox::spawn().await;
    let ada = auth.verified(ADA).await;
    let reset = resets(&auth).await;
    let held = hold_account(&auth, &ada).await;
    let reset = held_up(&auth, 1, reset).await;
    let (client, stolen) = (auth.client.clone(), ada.inward.clone());
    let wish = Box::pin(async move { client.change_email(&stolen, THIEF).await.map(drop) });
    let wish = held_up(&auth, 2, wish).await;
    let_go(&held).await;
    reset.await.unwrap().unwrap();
    assert_eq!(refused(wish.await.unwrap()), over());
    assert!(auth.mails(THIEF).await.is_empty());
}

/// It would open the account of the one whose address it is.
#[actix_web::test]
async fn a_key_that_a_squatter_makes_when_the_owner_comes_is_not_made() {
    let auth = mailbox::spawn().await;
    let squatter = auth.somebody(ADA).await;
    let owner = follows(&auth).await;
    let held = hold_account(&auth, &squatter).await;
    let owner = held_up(&auth, 1, owner).await;
    let (client, token) = (auth.client.clone(), squatter.inward.clone());
    let scopes = vec!["auth:read".to_owned()];
    let new = NewApiKey { name: "to come back".to_owned(), scopes, expires_at: None, rate_limit: None };
    let key = Box::pin(async move { client.create_api_key(&token, &new).await.map(drop) });
    let key = held_up(&auth, 2, key).await;
    let_go(&held).await;
    owner.await.unwrap().unwrap();
    assert_eq!(refused(key.await.unwrap()), over());
    assert_eq!(auth.count("SELECT count(*) FROM api_keys").await, 0);
}

#[actix_web::test]
async fn a_second_factor_that_a_squatter_switches_on_when_the_owner_comes_stays_off() {
    let auth = mailbox::spawn().await;
    let squatter = enrolling(&auth, ADA).await;
    let owner = follows(&auth).await;
    let held = hold_account(&auth, &squatter.who).await;
    let owner = held_up(&auth, 1, owner).await;
    let (client, token, code) = (auth.client.clone(), squatter.who.inward.clone(), squatter.code(0));
    let on = Box::pin(async move { client.confirm_totp(&token, &code).await.map(drop) });
    let on = held_up(&auth, 2, on).await;
    let_go(&held).await;
    owner.await.unwrap().unwrap();
    assert_eq!(refused(on.await.unwrap()), over());
    assert_eq!(auth.count("SELECT count(*) FROM totp_factors").await, 0);
}

/// The second step of a login whose first was the old password.
#[actix_web::test]
async fn a_login_at_its_second_step_does_not_outlive_what_ends_all_sessions() {
    let auth = mailbox::spawn().await;
    let root = auth.admin().await;
    let mut ada = guarded(&auth, ADA).await;
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    for by_mail in [true, false] {
        let ender: LocalBoxFuture<'static, Outcome> = if by_mail {
            resets(&auth).await
        } else {
            let (client, root, ada) = (auth.client.clone(), root.clone(), ada.who.id());
            Box::pin(async move { client.sign_out(&root, ada).await })
        };
        let recovery_code = ada.recovery_codes.pop().unwrap();
        let mfa_token = if by_mail { first_step(&auth, ADA).await } else { first_step_by(&auth, NEW).await };
        let proof =
            SecondFactorProof { mfa_token, method: SecondFactorMethod::RecoveryCode, code: recovery_code };
        // The session that it opens is held up at its organisation, the code being used up.
        let held = auth.db.connect().await;
        held.batch_execute("BEGIN; SELECT FROM organizations FOR UPDATE").await.unwrap();
        let client = auth.client.clone();
        let step = actix_web::rt::spawn(async move { client.verify_second_factor(&proof).await });
        auth.until(BLOCKED, 1).await;
        let ender = held_up(&auth, 2, ender).await;
        let_go(&held).await;
        let tokens = step.await.unwrap().unwrap();
        ender.await.unwrap().unwrap();
        assert_eq!(refused(auth.client.refresh(&tokens.refresh_token).await), code(401, "session_ended"));
        assert_eq!(
            auth.count("SELECT count(*) FROM one_time_tokens WHERE purpose = 'second-factor'").await,
            0
        );
    }
}

/// The login has shown the password that was right when it was looked up, and waits for the row.
#[actix_web::test]
async fn what_changes_an_account_while_somebody_logs_in_is_heeded() {
    let auth = spawn().await;
    let changes = [
        ("UPDATE users SET banned_at = now(), banned_why = 'x'", Err(code(401, "account_suspended"))),
        ("UPDATE users SET password_changed_at = now()", Err(code(401, "wrong_credentials"))),
        (
            "INSERT INTO totp_factors (user_id, sealed_secret, last_step, created_at, confirmed_at)
                 SELECT id, '', 0, now(), now() FROM users;
             UPDATE users SET revision = revision + 1",
            Ok("second factor"),
        ),
        ("UPDATE users SET name = 'Ada'", Ok("in")),
    ];
    for (turn, (change, wanted)) in changes.into_iter().enumerate() {
        let email = format!("ada{turn}@example.com");
        let ada = auth.somebody(&email).await;
        let (sessions, opened) = (auth.count(SESSIONS).await, auth.count(OPENED).await);
        let held = auth.db.connect().await;
        let one = format!(" WHERE id = '{}'", ada.id().uuid());
        let change = change.replace("FROM users", &format!("FROM users{one}")) + &one;
        held.batch_execute(&format!("BEGIN; {change}")).await.unwrap();
        let (client, login) = (auth.client.clone(), Login { email, password: PASSWORD.into() });
        let login = actix_web::rt::spawn(async move { client.login(&login).await });
        auth.until(BLOCKED, 1).await;
        let_go(&held).await;
        let outcome = match login.await.unwrap() {
            Ok(LoginReply::SecondFactor(_)) => Ok("second factor"),
            Ok(_) => Ok("in"),
            refused_or_lost => Err(refused(refused_or_lost)),
        };
        assert_eq!(outcome, wanted, "{change}");
        let let_in = i64::from(wanted == Ok("in"));
        assert_eq!(auth.count(SESSIONS).await, sessions + let_in, "{change}");
        assert_eq!(auth.count(OPENED).await, opened + let_in, "{change}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM attempts WHERE failures > 0").await, 0, "all were right");
}

const SESSIONS: &str = "SELECT count(*) FROM sessions";
const OPENED: &str = "SELECT count(*) FROM audit_log WHERE action = 'session.opened'";

/// As [`first_step`], by another password.
async fn first_step_by(auth: &Auth, password: &str) -> Secret {
    let login = Login { email: ADA.to_owned(), password: password.into() };
    match auth.client.login(&login).await.unwrap() {
        LoginReply::SecondFactor(required) => required.mfa_token,
        other => panic!("a second step is wanted: {other:?}"),
    }
}

#[actix_web::test]
async fn who_administers_no_more_does_not_begin_to_act_in_a_users_name() {
    let auth = spawn().await;
    let (other, ada) = (auth.admin().await, auth.somebody(ADA).await);
    let root = administrator(&auth, "root@example.com").await;
    let held = hold_account(&auth, &ada).await;
    let (client, by, user) = (auth.client.clone(), root.inward.clone(), ada.id());
    let wish = Impersonate { reason: "for the last time".to_owned(), minutes: Some(60), org_id: None };
    let acting = Box::pin(async move { client.impersonate(&by, user, &wish).await.map(drop) });
    let acting = held_up(&auth, 1, acting).await;
    auth.client.set_roles(&other, root.id(), &[]).await.unwrap();
    let_go(&held).await;
    assert_eq!(refused(acting.await.unwrap()), code(401, "token_revoked"));
    assert_eq!(auth.count("SELECT count(*) FROM sessions WHERE impersonator_id IS NOT NULL").await, 0);
}

#[actix_web::test]
async fn a_member_whom_an_administrator_deletes_and_whose_role_changes_is_gone() {
    let auth = spawn().await;
    let (root, owner) = (auth.admin().await, auth.verified("owner@example.com").await);
    let org = auth.org(&owner).await;
    let member = auth.member(&owner, org, "member").await;
    let held = hold_account(&auth, &member).await;
    let (client, user) = (auth.client.clone(), member.id());
    let deletion = Box::pin(async move { client.delete_user(&root, user).await });
    let deletion = held_up(&auth, 1, deletion).await;
    let (client, by) = (auth.client.clone(), owner.inward.clone());
    let change = Box::pin(async move { client.change_member(&by, org, user, "viewer").await.map(drop) });
    let change = held_up(&auth, 2, change).await;
    let_go(&held).await;
    deletion.await.unwrap().unwrap();
    assert_eq!(refused(change.await.unwrap()), code(404, "member_not_found"));
    assert_eq!(auth.roles_in(org).await, ["owner"]);
}

#[actix_web::test]
async fn a_role_that_changes_while_it_is_given_waits_for_its_holders_first() {
    let auth = spawn().await;
    let (root, ada) = (auth.admin().await, auth.verified(ADA).await);
    let held = hold_account(&auth, &ada).await;
    let (client, token) = (auth.client.clone(), ada.inward.clone());
    let new = NewOrganization { name: "Engines".to_owned(), ..NewOrganization::default() };
    let made = Box::pin(async move { client.create_org(&token, &new).await.map(drop) });
    let made = held_up(&auth, 1, made).await;
    let client = auth.client.clone();
    let narrow = role(&["auth:read", "auth:write", "orgs:read", "orgs:write"]);
    let change = Box::pin(async move { client.define_role(&root, "owner", &narrow).await.map(drop) });
    let change = held_up(&auth, 2, change).await;
    let_go(&held).await;
    made.await.unwrap().unwrap();
    change.await.unwrap().unwrap();
}
