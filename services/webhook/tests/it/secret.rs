use contract_webhook::NewSecret;

use crate::{
    receiver::Receiver,
    spawn::{READER, refused, spawn},
};
use testing::Person;

const GIVEN: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[actix_web::test]
async fn a_secret_is_random_sealed_and_shown_to_who_may_change_the_endpoint() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let first = webhook.endpoint(&token, "https://example.com/").await.id;
    let second = webhook.endpoint(&token, "https://example.com/").await.id;
    let secret = webhook.client.secret(&token, first).await.unwrap();
    assert!(secret.secret.starts_with("whsec_") && secret.retiring.is_empty());
    assert_ne!(secret, webhook.client.secret(&token, second).await.unwrap());
    assert!(!format!("{secret:?}").contains("whsec_"));
    let row = "SELECT json_agg(s)::text FROM endpoint_secrets s";
    let row: String = webhook.database.connect().await.query_one(row, &[]).await.unwrap().get(0);
    assert!(!row.contains(secret.secret.trim_start_matches("whsec_")), "{row}");
    let reader = webhook.token(&Person::with_scopes(READER));
    assert_eq!(refused(webhook.client.secret(&reader, first).await).status, 403);
}

#[actix_web::test]
async fn while_a_secret_retires_receivers_verify_with_the_old_and_the_new_one() {
    let webhook = spawn().await;
    let (token, receiver) = (webhook.writer(), Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await);
    let id = webhook.endpoint(&token, &receiver.url).await.id;
    let old = webhook.client.secret(&token, id).await.unwrap().secret;
    let new = NewSecret { secret: Some(GIVEN.to_owned()), overlap_seconds: 3600 };
    webhook.client.rotate_secret(&token, id, &new).await.unwrap();
    let held = webhook.client.secret(&token, id).await.unwrap();
    assert_eq!((held.secret.as_str(), held.retiring[0].secret.as_str()), (GIVEN, old.as_str()));
    assert!(webhook.client.test(&token, id).await.unwrap().delivered);
    let at_once = NewSecret { overlap_seconds: 0, ..NewSecret::default() };
    webhook.client.rotate_secret(&token, id, &at_once).await.unwrap();
    assert!(webhook.client.test(&token, id).await.unwrap().delivered);
    let newest = webhook.client.secret(&token, id).await.unwrap();
    // The one that retired before goes on; the one that was replaced does not.
    assert_eq!(newest.retiring.iter().map(|one| one.secret.as_str()).collect::<Vec<_>>(), [old.as_str()]);

    let posted = receiver.posted();
    let verifies = |post: usize, secret: &str| {
        let webhook = standardwebhooks::Webhook::new(secret).unwrap();
        webhook.verify(&posted[post].body, &posted[post].headers).is_ok()
    };
    assert_eq!([verifies(0, &old), verifies(0, GIVEN), verifies(0, &newest.secret)], [true, true, false]);
    assert_eq!([verifies(1, &old), verifies(1, GIVEN), verifies(1, &newest.secret)], [true, false, true]);
}

#[actix_web::test]
async fn a_secret_that_is_none_and_too_long_an_overlap_are_refused_and_change_nothing() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let id = webhook.endpoint(&token, "https://example.com/").await.id;
    let before = webhook.client.secret(&token, id).await.unwrap();
    for (secret, overlap_seconds, pointer) in [
        (Some("whsec_c2hvcnQ="), 0, "/secret"),
        (Some("secret"), 0, "/secret"),
        (None, -1, "/overlap_seconds"),
        (None, 604_801, "/overlap_seconds"),
    ] {
        let new = NewSecret { secret: secret.map(str::to_owned), overlap_seconds };
        let problem = refused(webhook.client.rotate_secret(&token, id, &new).await);
        assert_eq!((problem.status, problem.errors[0].pointer.as_str()), (422, pointer));
    }
    assert_eq!(webhook.client.secret(&token, id).await.unwrap(), before);
}

#[actix_web::test]
async fn no_more_than_five_secrets_retire_at_once() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let id = webhook.endpoint(&token, "https://example.com/").await.id;
    for _ in 0..5 {
        webhook.client.rotate_secret(&token, id, &NewSecret::default()).await.unwrap();
    }
    let before = webhook.client.secret(&token, id).await.unwrap();
    let problem = refused(webhook.client.rotate_secret(&token, id, &NewSecret::default()).await);
    assert_eq!((problem.status, problem.code.as_str()), (409, "too_many_secrets"));
    assert_eq!(webhook.client.secret(&token, id).await.unwrap(), before);
    let at_once = NewSecret { overlap_seconds: 0, ..NewSecret::default() };
    webhook.client.rotate_secret(&token, id, &at_once).await.unwrap();
    assert_eq!(webhook.client.secret(&token, id).await.unwrap().retiring, before.retiring);
}
