//! The second step of a login, and how it is switched on and off.

use aws_lc_rs::hmac;
use contract_auth::{
    Exchange, Grant, Login, LoginReply, MailKind, SecondFactorMethod, SecondFactorOff, SecondFactorProof,
    Secret, StepUp, Tokens, routes,
};
use data_encoding::BASE32_NOPAD;
use futures_util::future::join_all;
use ids::Timestamp;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use service_discovery::{CallError, Service};

use crate::{
    cookie, mailbox,
    spawn::{Auth, PASSWORD, Somebody, claims_of, code, gateway_secret, refused, spawn},
};

const ADA: &str = "ada@example.com";

/// Somebody with a second factor.
pub(crate) struct Guarded {
    pub(crate) who: Somebody,
    secret: Vec<u8>,
    pub(crate) recovery_codes: Vec<Secret>,
}

impl Guarded {
    /// What their app shows, so many steps from now (RFC 6238, written a second time).
    pub(crate) fn code(&self, steps: i64) -> Secret {
        let step = Timestamp::now().unix_seconds() / 30 + steps;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let number = tag.as_ref()[at..at + 4].iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000).into()
    }
}

/// Somebody whose second factor waits for its first code.
pub(crate) async fn enrolling(auth: &Auth, email: &str) -> Guarded {
    let who = auth.somebody(email).await;
    let enrolment = auth.client.enroll_totp(&who.inward).await.unwrap();
    let secret = BASE32_NOPAD.decode(enrolment.secret.expose().as_bytes()).unwrap();
    assert!(enrolment.otpauth_uri.expose().contains(enrolment.secret.expose()));
    Guarded { who, secret, recovery_codes: Vec::new() }
}

pub(crate) async fn guarded(auth: &Auth, email: &str) -> Guarded {
    let mut guarded = enrolling(auth, email).await;
    let codes = auth.client.confirm_totp(&guarded.who.inward, &guarded.code(0)).await.unwrap();
    guarded.recovery_codes = codes.recovery_codes;
    forget_steps(auth).await;
    guarded
}

/// As if the codes that were used had been shown long ago.
pub(crate) async fn forget_steps(auth: &Auth) {
    auth.sql("UPDATE totp_factors SET last_step = 0").await;
}

async fn forget_attempts(auth: &Auth) {
    auth.sql("DELETE FROM attempts").await;
}

/// Takes the first step; gives the right to the second.
pub(crate) async fn first_step(auth: &Auth, email: &str) -> Secret {
    let login = Login { email: email.to_owned(), password: PASSWORD.into() };
    match auth.client.login(&login).await.unwrap() {
        LoginReply::SecondFactor(required) => {
            assert!(required.mfa_required && required.methods == ["totp", "recovery_code"]);
            required.mfa_token
        }
        other => panic!("a second step is wanted: {other:?}"),
    }
}

pub(crate) async fn second_step(
    auth: &Auth,
    mfa_token: &Secret,
    method: SecondFactorMethod,
    code: &Secret,
) -> Result<Tokens, CallError> {
    let proof = SecondFactorProof { mfa_token: mfa_token.clone(), method, code: code.clone() };
    auth.client.verify_second_factor(&proof).await
}

use SecondFactorMethod::{RecoveryCode, Totp};

/// All that is audited and told of second factors and of proving anew.
pub(crate) async fn live(auth: &Auth) {
    let eva = guarded(auth, "eva@example.com").await;
    let step_up = StepUp { method: Some(Totp), code: Some(eva.code(0)), ..StepUp::default() };
    auth.client.step_up(&eva.who.inward, &step_up).await.unwrap();
    auth.client.replace_recovery_codes(&eva.who.inward).await.unwrap();
    forget_steps(auth).await;
    let token = first_step(auth, &eva.who.email).await;
    let tokens = second_step(auth, &token, Totp, &eva.code(0)).await.unwrap();
    let inward = auth.inward(&tokens.access_token);
    auth.client.end_other_sessions(&inward).await.unwrap();
    forget_steps(auth).await;
    let off = SecondFactorOff { code: Some(eva.code(0)), ..SecondFactorOff::default() };
    auth.client.disable_totp(&inward, &off).await.unwrap();
}

#[actix_web::test]
async fn a_login_with_a_second_factor_takes_two_steps() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let sessions = "SELECT count(*) FROM sessions";
    let token = first_step(&auth, ADA).await;
    assert_eq!(auth.count(sessions).await, 1, "the first step opens none");
    let tokens = second_step(&auth, &token, Totp, &ada.code(0)).await.unwrap();
    assert_eq!(claims_of(&tokens.access_token).amr, ["pwd", "otp", "mfa"]);
    let next = auth.client.refresh(&tokens.refresh_token).await.unwrap();
    assert_eq!(claims_of(&next.access_token).amr, ["pwd", "otp", "mfa"]);
    let token = first_step(&auth, ADA).await;
    let tokens = second_step(&auth, &token, RecoveryCode, &ada.recovery_codes[0]).await.unwrap();
    assert_eq!(claims_of(&tokens.access_token).amr, ["pwd", "recovery_code", "mfa"]);
    let status = auth.client.second_factor(&auth.inward(&tokens.access_token)).await.unwrap();
    assert!(status.enabled && !status.pending && status.enabled_at.is_some());
    assert_eq!(status.recovery_codes_left, 9);
}

/// GHSA-xg6x-h9c9-2m83: what the first step gives must open nothing else.
#[actix_web::test]
async fn a_half_login_opens_nothing_but_the_second_step() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let token = first_step(&auth, ADA).await;
    assert_eq!(refused(auth.client.me(&token).await).0, 401, "as a bearer token");
    assert_eq!(refused(auth.client.refresh(&token).await), code(401, "refresh_token_invalid"));
    let exchanges = [Exchange::SessionCookie, Exchange::ApiKey, Exchange::WsTicket];
    for exchange in exchanges {
        let grant = Grant::Exchange(exchange(token.clone()));
        let outcome = auth.internal.token(Service::Gateway, &gateway_secret(), grant).await;
        assert_eq!(refused(outcome).0, 400);
    }
    for path in ["verify-email", "magic-link/verify", "password/reset"] {
        let url = format!("{}/api/v1/auth/{path}", auth.base);
        let body = json!({ "token": token.expose(), "new_password": "nine blue foxes dance" });
        let status = testing::http().post(url).json(&body).send().await.unwrap().status().as_u16();
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    let others = [&ada.who.tokens.access_token, &ada.who.tokens.refresh_token, &"".into(), &"plt_x".into()];
    for other in others {
        let outcome = second_step(&auth, other, Totp, &ada.code(0)).await;
        assert_eq!(refused(outcome), code(401, "one_time_token_invalid"));
    }
    assert!(second_step(&auth, &token, Totp, &ada.code(0)).await.is_ok());
}

#[actix_web::test]
async fn a_browser_gets_its_cookie_after_the_second_step_alone() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let body = json!({ "email": ADA, "password": PASSWORD });
    let first = testing::http().post(format!("{}{}?mode=cookie", auth.base, routes::LOGIN)).json(&body);
    let first = first.send().await.unwrap();
    assert!(first.headers().get(SET_COOKIE).is_none());
    let first: Value = first.json().await.unwrap();
    let body = json!({ "mfa_token": first["mfa_token"], "method": "totp", "code": ada.code(0).expose() });
    let second = testing::http().post(format!("{}{}?mode=cookie", auth.base, routes::MFA_VERIFY)).json(&body);
    let kept = cookie::kept(second.send().await.unwrap()).await;
    let issued = cookie::exchange(&auth, &kept.cookie).await.unwrap();
    assert_eq!(claims_of(&issued.access_token).amr, ["pwd", "otp", "mfa"]);
}

#[actix_web::test]
async fn a_mailed_link_is_a_first_step_and_no_more() {
    let auth = mailbox::spawn().await;
    let ada = guarded(&auth, ADA).await;
    auth.verify(ADA).await;
    auth.client.want_magic_link(ADA).await.unwrap();
    let token = auth.mailed(ADA, MailKind::MagicLink).await;
    let LoginReply::SecondFactor(half) = auth.client.follow_magic_link(&token).await.unwrap() else {
        panic!("a second step is wanted")
    };
    let tokens = second_step(&auth, &half.mfa_token, Totp, &ada.code(0)).await.unwrap();
    assert_eq!(claims_of(&tokens.access_token).amr, ["mail", "otp", "mfa"]);
}

/// Whoever registered another's address keeps its owner out by no second factor.
#[actix_web::test]
async fn a_squatters_second_factor_goes_with_the_first_proof_of_the_mailbox() {
    let auth = mailbox::spawn().await;
    guarded(&auth, ADA).await;
    auth.client.want_magic_link(ADA).await.unwrap();
    let token = auth.mailed(ADA, MailKind::MagicLink).await;
    let own = auth.client.follow_magic_link(&token).await.unwrap().tokens().unwrap();
    let status = auth.client.second_factor(&auth.inward(&own.access_token)).await.unwrap();
    assert!(!status.enabled && status.recovery_codes_left == 0);
}

/// Fifty second steps at once, each with a first step of its own: how many get in.
async fn fifty(auth: &Auth, method: SecondFactorMethod, proof: &Secret) -> usize {
    let mut tokens = Vec::new();
    for _ in 0..50 {
        tokens.push(first_step(auth, ADA).await);
    }
    let many = tokens.iter().map(|token| second_step(auth, token, method, proof));
    join_all(many).await.iter().filter(|outcome| outcome.is_ok()).count()
}

#[actix_web::test]
async fn fifty_uses_of_one_code_let_one_in() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let proof = ada.code(0);
    assert_eq!(fifty(&auth, Totp, &proof).await, 1);
    forget_attempts(&auth).await;
    let token = first_step(&auth, ADA).await;
    assert_eq!(refused(second_step(&auth, &token, Totp, &proof).await), code(401, "wrong_code"), "later");
}

#[actix_web::test]
async fn fifty_uses_of_one_recovery_code_let_one_in() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    assert_eq!(fifty(&auth, RecoveryCode, &ada.recovery_codes[3]).await, 1);
    assert_eq!(auth.count("SELECT count(*) FROM recovery_codes").await, 9);
}

#[actix_web::test]
async fn fifty_uses_of_one_first_step_let_one_in_and_use_up_one_code() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let token = first_step(&auth, ADA).await;
    let codes = (0..50).map(|at| &ada.recovery_codes[at % 10]);
    let outcomes = join_all(codes.map(|code| second_step(&auth, &token, RecoveryCode, code))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(auth.count("SELECT count(*) FROM recovery_codes").await, 9);
    let outcome = second_step(&auth, &token, Totp, &ada.code(0)).await;
    assert_eq!(refused(outcome), code(401, "one_time_token_invalid"), "it is used up");
}

#[actix_web::test]
async fn a_first_step_takes_five_codes_and_no_more() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let token = first_step(&auth, ADA).await;
    for _ in 0..5 {
        let outcome = second_step(&auth, &token, Totp, &"000000".into()).await;
        assert_eq!(refused(outcome), code(401, "wrong_code"));
        forget_attempts(&auth).await;
    }
    let outcome = second_step(&auth, &token, Totp, &ada.code(0)).await;
    assert_eq!(refused(outcome), code(401, "one_time_token_invalid"));
}

/// Unlimited guesses at codes: a fresh first step for each five of them changes nothing.
#[actix_web::test]
async fn guesses_at_codes_are_limited_over_all_logins_and_beside_passwords() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let token = first_step(&auth, ADA).await;
        for _ in 0..3 {
            statuses.push(refused(second_step(&auth, &token, Totp, &"000000".into()).await).0);
        }
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429, 429, 429, 429]);
    // The first step still works: it has a counter of its own. The right code waits.
    let token = first_step(&auth, ADA).await;
    let outcome = second_step(&auth, &token, Totp, &ada.code(0)).await;
    assert_eq!(refused(outcome), code(429, "too_many_attempts"));
    forget_attempts(&auth).await;
    assert!(second_step(&auth, &token, Totp, &ada.code(0)).await.is_ok());
}

#[actix_web::test]
async fn a_half_login_ends_with_a_ban_a_new_password_and_its_time() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let token = first_step(&auth, ADA).await;
    auth.sql("UPDATE users SET banned_at = now()").await;
    let outcome = second_step(&auth, &token, Totp, &ada.code(0)).await;
    assert_eq!(refused(outcome), code(401, "account_suspended"));
    let login = Login { email: ADA.to_owned(), password: PASSWORD.into() };
    assert_eq!(refused(auth.client.login(&login).await), code(401, "account_suspended"), "no first step");
    auth.sql("UPDATE users SET banned_at = NULL").await;
    let change = contract_auth::PasswordChange {
        current_password: PASSWORD.into(),
        new_password: "nine blue foxes dance".into(),
    };
    let old = first_step(&auth, ADA).await;
    auth.client.change_password(&ada.who.inward, &change).await.unwrap();
    let outcome = second_step(&auth, &old, Totp, &ada.code(0)).await;
    assert_eq!(refused(outcome), code(401, "one_time_token_invalid"));
}

#[actix_web::test]
async fn an_enrolment_guards_nothing_before_its_first_code() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    auth.client.enroll_totp(&ada.inward).await.unwrap();
    assert!(auth.login(ADA).await.is_ok());
    let status = auth.client.second_factor(&ada.inward).await.unwrap();
    assert!(status.pending && !status.enabled);
    let outcome = auth.client.confirm_totp(&ada.inward, &"000000".into()).await;
    assert_eq!(refused(outcome), code(422, "invalid_fields"));
    let eve = guarded(&auth, "eve@example.com").await;
    assert_eq!(refused(auth.client.enroll_totp(&eve.who.inward).await), code(409, "second_factor_on"));
    let outcome = auth.client.confirm_totp(&eve.who.inward, &eve.code(0)).await;
    assert_eq!(refused(outcome), code(409, "second_factor_not_pending"));
}

#[actix_web::test]
async fn switching_on_and_new_codes_want_a_fresh_proof() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    let eve = guarded(&auth, "eve@example.com").await;
    auth.sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'").await;
    let stale = code(403, "fresh_login_required");
    assert_eq!(refused(auth.client.enroll_totp(&ada.inward).await), stale);
    assert_eq!(refused(auth.client.replace_recovery_codes(&eve.who.inward).await), stale);
    let key = auth.api_key(&ada, &["auth:write"]).await;
    let mut claims = claims_of(&ada.inward);
    claims.sid = Some(key.shown.id.to_string());
    let by_key = auth.issuer.sign(&claims).into();
    assert_eq!(refused(auth.client.enroll_totp(&by_key).await), code(403, "session_required"));
}

#[actix_web::test]
async fn new_recovery_codes_void_those_before() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let new = auth.client.replace_recovery_codes(&ada.who.inward).await.unwrap().recovery_codes;
    let token = first_step(&auth, ADA).await;
    let outcome = second_step(&auth, &token, RecoveryCode, &ada.recovery_codes[0]).await;
    assert_eq!(refused(outcome), code(401, "wrong_code"));
    let typed = new[9].expose().replace('-', " ").to_uppercase();
    assert!(second_step(&auth, &token, RecoveryCode, &typed.into()).await.is_ok());
}

#[actix_web::test]
async fn it_is_switched_off_by_a_code_or_by_a_password_beside_a_fresh_one() {
    let auth = spawn().await;
    let off = SecondFactorOff::default;
    for by in ["code", "recovery_code", "password"] {
        let ada = guarded(&auth, &format!("{}@example.com", by.replace('_', "-"))).await;
        let proof = match by {
            "code" => SecondFactorOff { code: Some(ada.code(0)), ..off() },
            "recovery_code" => {
                SecondFactorOff { recovery_code: Some(ada.recovery_codes[0].clone()), ..off() }
            }
            _ => SecondFactorOff { password: Some(PASSWORD.into()), ..off() },
        };
        let wrong = SecondFactorOff { code: Some("000000".into()), ..off() };
        let outcome = auth.client.disable_totp(&ada.who.inward, &wrong).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{by}");
        auth.client.disable_totp(&ada.who.inward, &proof).await.unwrap();
        assert!(auth.login(&ada.who.email).await.is_ok(), "{by}: one step again");
        let outcome = auth.client.disable_totp(&ada.who.inward, &off()).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{by}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM totp_factors").await, 0);
    assert_eq!(auth.count("SELECT count(*) FROM recovery_codes").await, 0);
    // A session that never showed it cannot switch it off by the password alone.
    let eve = guarded(&auth, "eve@example.com").await;
    auth.sql("UPDATE sessions SET methods = '{pwd}'").await;
    let by_password = SecondFactorOff { password: Some(PASSWORD.into()), ..off() };
    let outcome = auth.client.disable_totp(&eve.who.inward, &by_password).await;
    assert_eq!(refused(outcome), code(403, "fresh_login_required"));
    let mails =
        "SELECT count(*) FROM mails WHERE kind = 'second_factor_changed' AND variables->>'enabled' = ";
    assert_eq!(auth.count(&format!("{mails}'true'")).await, 4);
    assert_eq!(auth.count(&format!("{mails}'false'")).await, 3);
}

#[actix_web::test]
async fn switching_it_off_twice_with_one_key_is_once() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let body = json!({ "code": ada.code(0).expose() });
    let off = async || {
        let request = testing::http().post(format!("{}{}", auth.base, routes::TOTP_DISABLE));
        let request = request.bearer_auth(ada.who.inward.expose()).header("idempotency-key", "k").json(&body);
        request.send().await.unwrap().status()
    };
    assert_eq!(off().await, 204);
    assert_eq!(off().await, 204, "replayed, although the code is used up");
    assert_eq!(auth.count("SELECT count(*) FROM audit_log WHERE action = 'second_factor.off'").await, 1);
}

#[actix_web::test]
async fn neither_the_secret_nor_a_code_is_in_the_database() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    let client = auth.db.connect().await;
    let rows = client.query("SELECT sealed_secret FROM totp_factors", &[]).await.unwrap();
    let sealed: Vec<u8> = rows[0].get(0);
    assert!(!sealed.windows(ada.secret.len()).any(|part| part == ada.secret));
    let kept = client
        .query("SELECT hash FROM recovery_codes", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get::<_, Vec<u8>>(0))
        .collect::<Vec<_>>();
    assert!(kept.iter().all(|hash| hash.len() == 32));
    // Bound to its row: it opens for nobody else.
    let eve = guarded(&auth, "eve@example.com").await;
    auth.sql(
        "UPDATE totp_factors SET sealed_secret = (SELECT sealed_secret FROM totp_factors f JOIN users u ON u.id = f.user_id WHERE email = 'eve@example.com')",
    )
    .await;
    let token = first_step(&auth, ADA).await;
    assert_eq!(refused(second_step(&auth, &token, Totp, &eve.code(0)).await).0, 500);
}
