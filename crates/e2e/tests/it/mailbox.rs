//! Mails, from what causes them to whoever reads them.

use contract_auth::{MailKind, Tokens};
use e2e::{Plinth, Somebody, code, refused};
use rustix::process::Signal;

/// The scopes of an access token, as anybody can read them.
fn scopes(tokens: &Tokens) -> Vec<String> {
    let claims =
        jsonwebtoken::dangerous::insecure_decode_claims::<serde_json::Value>(tokens.access_token.expose());
    claims.unwrap()["scope"].as_str().unwrap().split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn who_proves_their_address_may_do_more() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let mail = plinth.mail(&ada.email, MailKind::VerifyEmail).await;
    let link = mail.link.clone().unwrap();
    let token = mail.token.unwrap();
    assert!(link.expose().starts_with(plinth.url()) && link.expose().ends_with(token.expose()));
    ada.auth.verify_email(&token).await.unwrap();
    assert_eq!(refused(ada.auth.verify_email(&token).await), code(401, "one_time_token_invalid"));
    let before = scopes(&ada.tokens);
    let next = ada.auth.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert!(ada.auth.me(&next.access_token).await.unwrap().email_verified);
    let after = scopes(&next);
    assert!(
        before.iter().all(|scope| after.contains(scope)) && after.len() > before.len(),
        "{before:?} {after:?}"
    );
}

#[tokio::test]
async fn no_mail_is_lost_or_doubled_while_the_mailbox_stands_still_or_dies() {
    let plinth = Plinth::start().await;
    plinth.signal("mailbox", Signal::STOP);
    let ada = Somebody::arrive(&plinth).await;
    plinth.signal("mailbox", Signal::CONT);
    plinth.mail(&ada.email, MailKind::VerifyEmail).await;
    let before = plinth.pid("mailbox");
    plinth.kill("mailbox");
    let bob = Somebody::arrive(&plinth).await;
    // It was told twice at most, and shows it once; what it showed before, it forgets.
    plinth.replaced("mailbox", before).await;
    plinth.mail(&bob.email, MailKind::VerifyEmail).await;
    let eve = Somebody::arrive(&plinth).await;
    plinth.mail(&eve.email, MailKind::VerifyEmail).await;
    assert_eq!(plinth.mails(&bob.email).await.len(), 1);
}
