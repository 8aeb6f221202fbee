//! What holds of every token that works once.

use contract_auth::{Client, Exchange, Grant, MailKind, PasswordReset, Secret};
use futures_util::future::join_all;
use service_discovery::{CallError, Service};

use crate::{
    mailbox::spawn,
    spawn::{Auth, Somebody, gateway_secret, refused},
};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    VerifyEmail,
    ChangeEmail,
    ResetPassword,
    MagicLink,
    WebSocket,
}

const KINDS: [Kind; 5] =
    [Kind::VerifyEmail, Kind::ChangeEmail, Kind::ResetPassword, Kind::MagicLink, Kind::WebSocket];

impl Kind {
    /// A token of this kind, of a user of its own.
    async fn make(self, auth: &Auth) -> (Somebody, Secret) {
        let unique = ids::SessionId::generate();
        let who = auth.somebody(&format!("{unique}@example.com")).await;
        let token = self.make_for(auth, &who).await;
        (who, token)
    }

    async fn make_for(self, auth: &Auth, who: &Somebody) -> Secret {
        match self {
            Self::VerifyEmail => auth.mailed(&who.email, MailKind::VerifyEmail).await,
            Self::ChangeEmail => {
                let new = format!("new-{}", who.email);
                auth.client.change_email(&who.inward, &new).await.unwrap();
                auth.mailed(&new, MailKind::ConfirmNewEmail).await
            }
            Self::ResetPassword => {
                auth.client.forgot_password(&who.email).await.unwrap();
                auth.mailed(&who.email, MailKind::ResetPassword).await
            }
            Self::MagicLink => {
                auth.client.want_magic_link(&who.email).await.unwrap();
                auth.mailed(&who.email, MailKind::MagicLink).await
            }
            Self::WebSocket => auth.client.ws_ticket(&who.inward).await.unwrap().ticket,
        }
    }

    async fn show(self, client: &Client, internal: &Client, token: &Secret) -> Result<(), CallError> {
        match self {
            Self::VerifyEmail => client.verify_email(token).await.map(drop),
            Self::ChangeEmail => client.confirm_email(token).await.map(drop),
            Self::ResetPassword => {
                let new_password = "nine blue foxes dance".into();
                client.reset_password(&PasswordReset { token: token.clone(), new_password }).await.map(drop)
            }
            Self::MagicLink => client.follow_magic_link(token).await.map(drop),
            Self::WebSocket => {
                let grant = Grant::Exchange(Exchange::WsTicket(token.clone()));
                internal.token(Service::Gateway, &gateway_secret(), grant).await.map(drop)
            }
        }
    }

    async fn shown(self, auth: &Auth, token: &Secret) -> Result<(), CallError> {
        self.show(&auth.client, &auth.internal, token).await
    }

    /// What who shows a token that does not work is told.
    fn refusal(self) -> (u16, String) {
        match self {
            Self::WebSocket => crate::spawn::code(400, "invalid_grant"),
            _ => crate::spawn::code(401, "one_time_token_invalid"),
        }
    }
}

#[actix_web::test]
async fn of_fifty_at_once_one_wins() {
    let auth = spawn().await;
    for kind in KINDS {
        let (_, token) = kind.make(&auth).await;
        let outcomes = join_all((0..50).map(|_| kind.shown(&auth, &token))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{kind:?}");
        for lost in outcomes.into_iter().filter(Result::is_err) {
            assert_eq!(refused(lost), kind.refusal(), "{kind:?}");
        }
    }
}

#[actix_web::test]
async fn what_was_used_stays_used_after_a_restart() {
    let auth = spawn().await;
    let mut used = Vec::new();
    for kind in KINDS {
        let (_, token) = kind.make(&auth).await;
        kind.shown(&auth, &token).await.unwrap();
        used.push((kind, token));
    }
    let (client, internal) = auth.another_process().await;
    for (kind, token) in used {
        assert_eq!(refused(kind.show(&client, &internal, &token).await), kind.refusal(), "{kind:?}");
    }
}

/// The text is made anew from the row, so another process takes what one has made.
#[actix_web::test]
async fn what_was_not_used_works_after_a_restart() {
    let auth = spawn().await;
    let (client, internal) = auth.another_process().await;
    for kind in KINDS {
        let (_, token) = kind.make(&auth).await;
        kind.show(&client, &internal, &token).await.unwrap();
    }
}

#[actix_web::test]
async fn what_is_too_old_works_no_longer() {
    let auth = spawn().await;
    for kind in KINDS {
        let (_, token) = kind.make(&auth).await;
        auth.sql("UPDATE one_time_tokens SET expires_at = now()").await;
        assert_eq!(refused(kind.shown(&auth, &token).await), kind.refusal(), "{kind:?}");
    }
}

#[actix_web::test]
async fn a_token_does_what_it_is_for_and_nothing_else() {
    let auth = spawn().await;
    for made_for in KINDS {
        let (_, token) = made_for.make(&auth).await;
        for shown_as in KINDS.into_iter().filter(|kind| *kind != made_for) {
            let outcome = shown_as.shown(&auth, &token).await;
            assert_eq!(refused(outcome), shown_as.refusal(), "{made_for:?} as {shown_as:?}");
        }
        assert!(auth.client.me(&token).await.is_err(), "{made_for:?} as a credential");
        assert!(auth.client.refresh(&token).await.is_err(), "{made_for:?} as a refresh token");
        made_for.shown(&auth, &token).await.unwrap();
    }
}

/// A token speaks for the user it was made for, whoever else shows it.
#[actix_web::test]
async fn a_token_of_another_user_does_nothing_for_who_shows_it() {
    let auth = spawn().await;
    let eve = auth.somebody("eve@example.com").await;
    let (ada, token) = Kind::VerifyEmail.make(&auth).await;
    let url = format!("{}{}", auth.base, contract_auth::routes::VERIFY_EMAIL);
    let body = serde_json::json!({ "token": token.expose() });
    let reply = testing::http().post(url).bearer_auth(eve.inward.expose()).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert!(!auth.client.me(&eve.inward).await.unwrap().email_verified);
    let tokens = auth.login(&ada.email).await.unwrap();
    assert!(auth.client.me(&auth.inward(&tokens.access_token)).await.unwrap().email_verified);
}

/// A mail that is asked for after its token was used, or is too old, has no link.
#[actix_web::test]
async fn a_used_token_is_mailed_to_nobody() {
    let auth = spawn().await;
    let (who, token) = Kind::MagicLink.make(&auth).await;
    Kind::MagicLink.shown(&auth, &token).await.unwrap();
    let mail = auth.mail(&who.email, MailKind::MagicLink).await;
    assert!(mail.link.is_none() && mail.token.is_none() && mail.expires_at.is_none());
}
