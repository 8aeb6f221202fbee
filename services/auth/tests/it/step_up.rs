//! Proving anew, in a session, who one is.

use contract_auth::{PasswordChange, SecondFactorMethod, SecondFactorOff, StepUp, routes};
use serde_json::json;

use crate::{
    cookie,
    second_factor::guarded,
    spawn::{Auth, PASSWORD, claims_of, code, refused, spawn},
};

const ADA: &str = "ada@example.com";

fn by_password(password: &str) -> StepUp {
    StepUp { password: Some(password.into()), ..StepUp::default() }
}

async fn grow_stale(auth: &Auth) {
    auth.sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'").await;
}

#[actix_web::test]
async fn a_fresh_proof_opens_what_cannot_be_undone_and_keeps_the_session() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    grow_stale(&auth).await;
    assert_eq!(refused(auth.client.delete_me(&ada.inward).await), code(403, "fresh_login_required"));
    let tokens = auth.client.step_up(&ada.inward, &by_password(PASSWORD)).await.unwrap();
    let (before, after) = (claims_of(&ada.tokens.access_token), claims_of(&tokens.access_token));
    assert_eq!(before.sid, after.sid);
    assert_eq!(after.amr, ["pwd"]);
    assert!(after.auth_time >= before.auth_time);
    assert_eq!(tokens.refresh_token, ada.tokens.refresh_token, "nothing to rotate, nothing to race");
    let next = auth.client.refresh(&tokens.refresh_token).await.unwrap();
    assert_eq!(claims_of(&next.access_token).auth_time, after.auth_time);
    // The token from before it will do: the session has the proof.
    auth.client.delete_me(&ada.inward).await.unwrap();
}

#[actix_web::test]
async fn with_a_second_factor_a_password_is_not_enough() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    // As a session that was opened before it was switched on.
    auth.sql("UPDATE sessions SET methods = '{pwd}'").await;
    assert_eq!(refused(auth.client.delete_me(&ada.who.inward).await), code(403, "fresh_login_required"));
    let outcome = auth.client.step_up(&ada.who.inward, &by_password(PASSWORD)).await;
    assert_eq!(refused(outcome), code(422, "invalid_fields"));
    let method = Some(SecondFactorMethod::Totp);
    let by_code = StepUp { method, code: Some(ada.code(0)), password: None };
    let tokens = auth.client.step_up(&ada.who.inward, &by_code).await.unwrap();
    assert_eq!(claims_of(&tokens.access_token).amr, ["pwd", "otp", "mfa"]);
    let outcome = auth.client.step_up(&ada.who.inward, &by_code).await;
    assert_eq!(refused(outcome), code(422, "invalid_fields"), "a code works once");
    auth.client.delete_me(&ada.who.inward).await.unwrap();
}

/// Or whoever sits at an open session and knows the password would switch the second factor off.
#[actix_web::test]
async fn a_change_of_password_stands_for_no_second_factor() {
    let auth = spawn().await;
    let ada = guarded(&auth, ADA).await;
    grow_stale(&auth).await;
    let stale = auth.client.refresh(&ada.who.tokens.refresh_token).await.unwrap();
    let new = "nine blue foxes dance";
    let change = PasswordChange { current_password: PASSWORD.into(), new_password: new.into() };
    let tokens = auth.client.change_password(&auth.inward(&stale.access_token), &change).await.unwrap();
    let (before, after) = (claims_of(&stale.access_token), claims_of(&tokens.access_token));
    assert_eq!((after.auth_time, after.amr), (before.auth_time, before.amr));
    let inward = auth.inward(&tokens.access_token);
    let off = SecondFactorOff { password: Some(new.into()), ..SecondFactorOff::default() };
    let outcome = auth.client.disable_totp(&inward, &off).await;
    assert_eq!(refused(outcome), code(403, "fresh_login_required"));
    assert_eq!(refused(auth.client.delete_me(&inward).await), code(403, "fresh_login_required"));
}

#[actix_web::test]
async fn it_takes_exactly_one_proof_and_the_right_one() {
    let auth = spawn().await;
    let ada = auth.somebody(ADA).await;
    let method = Some(SecondFactorMethod::Totp);
    for proof in [
        StepUp::default(),
        by_password("not the password at all"),
        StepUp { method, ..StepUp::default() },
        StepUp { method, code: Some("000000".into()), password: Some(PASSWORD.into()) },
        StepUp { method, code: Some("000000".into()), password: None },
    ] {
        let outcome = auth.client.step_up(&ada.inward, &proof).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{proof:?}");
    }
    assert!(auth.client.me(&ada.inward).await.is_ok(), "a wrong proof logs nobody out");
}

#[actix_web::test]
async fn a_browser_goes_on_with_its_cookie() {
    let auth = spawn().await;
    auth.register(ADA).await;
    let url = format!("{}{}?mode=cookie", auth.base, routes::LOGIN);
    let login = testing::http().post(url).json(&json!({ "email": ADA, "password": PASSWORD }));
    let before = cookie::kept(login.send().await.unwrap()).await;
    grow_stale(&auth).await;
    let issued = cookie::exchange(&auth, &before.cookie).await.unwrap();
    let request = testing::http().post(format!("{}{}", auth.base, routes::STEP_UP));
    let request = request.bearer_auth(auth.inward(&issued.access_token).expose());
    let after = cookie::kept(request.json(&json!({ "password": PASSWORD })).send().await.unwrap()).await;
    assert_eq!(before.told.session_id, after.told.session_id);
    let renewed = cookie::exchange(&auth, &after.cookie).await.unwrap();
    assert!(claims_of(&renewed.access_token).auth_time > claims_of(&issued.access_token).auth_time);
    auth.client.delete_me(&auth.inward(&renewed.access_token)).await.unwrap();
}
