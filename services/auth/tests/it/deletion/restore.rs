//! Whoever changes their mind has everything back.

use futures_util::future::join_all;

use super::JOBS;
use crate::{
    api_key_secret::exchange,
    spawn::{claims_of, code, refused, spawn},
};

const CANCELLED: &str = "SELECT count(*) FROM audit_log WHERE action = 'account.deletion_cancelled'";

#[actix_web::test]
async fn a_restored_account_has_all_that_it_had() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read"]).await.key;
    let org = auth.org(&ada).await;
    auth.leave(&ada.inward).await;
    let back = auth.back(&ada.email).await;
    auth.client.restore_me(&back.inward).await.unwrap();
    assert_eq!(refused(auth.client.me(&back.inward).await), code(401, "token_revoked"), "it said too little");
    let next = auth.client.refresh(&back.tokens.refresh_token).await.unwrap();
    let (now, before) = (claims_of(&next.access_token), claims_of(&ada.tokens.access_token));
    assert_eq!((now.scope, now.roles), (before.scope, before.roles));
    let inward = auth.inward(&next.access_token);
    assert_eq!(auth.client.me(&inward).await.unwrap().delete_at, None);
    assert!(auth.client.org(&inward, org).await.is_ok());
    assert_eq!(exchange(&auth, &key).await.unwrap().scope, "prefs:read");
    assert_eq!(
        refused(auth.client.me(&ada.inward).await),
        code(401, "token_revoked"),
        "what ended has ended"
    );
    let told =
        "SELECT count(*) FROM events WHERE type = 'user.updated' AND data->>'changed' = 'deletion_cancelled'";
    assert_eq!((auth.count(told).await, auth.count(CANCELLED).await), (1, 1));
}

#[actix_web::test]
async fn restoring_what_does_not_go_changes_nothing() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.leaving("eve@example.com").await);
    let traces = auth.traces().await;
    auth.client.restore_me(&ada.inward).await.unwrap();
    assert!(auth.client.me(&ada.inward).await.is_ok(), "nor does it void a token");
    assert_eq!(auth.traces().await, traces);
    assert!(auth.client.me(&eve.inward).await.unwrap().delete_at.is_some(), "another's wish is theirs");
}

#[actix_web::test]
async fn of_fifty_restorations_at_once_one_is_told() {
    let auth = spawn().await;
    let ada = auth.leaving("ada@example.com").await;
    let outcomes = join_all((0..50).map(|_| auth.client.restore_me(&ada.inward))).await;
    assert!(outcomes.iter().any(Result::is_ok));
    for lost in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refused(lost).0, 401, "the token is void since the first");
    }
    assert_eq!((auth.count(CANCELLED).await, auth.count(JOBS).await), (1, 1));
}

#[actix_web::test]
async fn a_restoration_that_is_sent_twice_is_one() {
    let auth = spawn().await;
    let ada = auth.leaving("ada@example.com").await;
    let send = async |token: &contract_auth::Secret| {
        let request = testing::http().post(format!("{}/api/v1/auth/me/restore", auth.base));
        let request = request.bearer_auth(token.expose()).header("idempotency-key", "k");
        request.send().await.unwrap()
    };
    assert_eq!(send(&ada.inward).await.status(), 204);
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    let inward = auth.inward(&next.access_token);
    auth.leave(&inward).await;
    let back = auth.back(&ada.email).await;
    let replayed = send(&back.inward).await;
    assert_eq!(
        (replayed.status().as_u16(), &replayed.headers()["idempotency-replayed"]),
        (204, &"true".parse().unwrap())
    );
    assert!(
        auth.client.me(&back.inward).await.unwrap().delete_at.is_some(),
        "the repetition restored nothing"
    );
}
