//! What works once, fifty times at once, through the gateway: one wins, and the others are
//! told the same as those who come with nothing.

use contract_auth::{MailKind, NewInvitation, PasswordReset, Secret};
use e2e::{Plinth, Somebody, code, refused};
use futures_util::future::join_all;
use service_discovery::CallError;

const AT_ONCE: usize = 50;

/// Of all that came at once one was let in; gives what the others were told.
fn one_won<T: std::fmt::Debug>(what: &str, outcomes: Vec<Result<T, CallError>>) -> Vec<(u16, String)> {
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let told: Vec<_> = outcomes.into_iter().filter(Result::is_err).map(refused).collect();
    assert_eq!((won, told.len()), (1, AT_ONCE - 1), "{what}: {told:?}");
    told
}

async fn link(plinth: &Plinth, to: &str, kind: MailKind) -> Secret {
    plinth.mail(to, kind).await.token.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mailed_link_works_once_however_many_follow_it_at_once() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let auth = &ada.auth;
    let void = code(401, "one_time_token_invalid");

    let token = link(&plinth, &ada.email, MailKind::VerifyEmail).await;
    let all = join_all((0..AT_ONCE).map(|_| auth.verify_email(&token))).await;
    assert!(one_won("verify", all).iter().all(|told| *told == void));

    auth.want_magic_link(&ada.email).await.unwrap();
    let token = link(&plinth, &ada.email, MailKind::MagicLink).await;
    let all = join_all((0..AT_ONCE).map(|_| auth.follow_magic_link(&token))).await;
    assert!(one_won("magic link", all).iter().all(|told| *told == void));

    let now = ada.log_in_again().await.unwrap();
    let new = format!("new-{}", ada.email);
    auth.change_email(&now.access_token, &new).await.unwrap();
    let token = link(&plinth, &new, MailKind::ConfirmNewEmail).await;
    let all = join_all((0..AT_ONCE).map(|_| auth.confirm_email(&token))).await;
    assert!(one_won("new address", all).iter().all(|told| *told == void));

    auth.forgot_password(&new).await.unwrap();
    let token = link(&plinth, &new, MailKind::ResetPassword).await;
    let reset = PasswordReset { token, new_password: "nine blue foxes dance tonight".into() };
    let all = join_all((0..AT_ONCE).map(|_| auth.reset_password(&reset))).await;
    // Fifty at once are more than the machine hashes: some may be asked to come back.
    let told = one_won("reset", all);
    assert!(told.iter().all(|told| *told == void || told.0 == 503), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_joins_once_however_many_accept_it_at_once() {
    let plinth = Plinth::start().await;
    let (ada, bob) = (Somebody::arrive(&plinth).await, Somebody::arrive(&plinth).await);
    for who in [&ada, &bob] {
        let token = link(&plinth, &who.email, MailKind::VerifyEmail).await;
        who.auth.verify_email(&token).await.unwrap();
    }
    let ada_now = ada.log_in_again().await.unwrap().access_token;
    let bob_now = bob.log_in_again().await.unwrap().access_token;
    let new = contract_auth::NewOrganization { name: "Analytical".to_owned(), ..Default::default() };
    let org = ada.auth.create_org(&ada_now, &new).await.unwrap().id;
    let invite = NewInvitation { email: bob.email.clone(), role: "member".to_owned() };
    ada.auth.invite(&ada_now, org, &invite).await.unwrap();
    let token = link(&plinth, &bob.email, MailKind::Invitation).await;
    let all = join_all((0..AT_ONCE).map(|_| bob.auth.accept_invitation(&bob_now, &token))).await;
    one_won("invitation", all);
    assert_eq!(ada.auth.members(&ada_now, org, "").await.unwrap().data.len(), 2);
}
