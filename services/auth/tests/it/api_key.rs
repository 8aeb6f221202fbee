use std::time::Duration;

use contract_auth::{ApiKeyChange, ApiKeyText, NewApiKey};
use futures_util::future::join_all;
use ids::Timestamp;

use crate::spawn::{code, refused, spawn};

fn new(scopes: &[&str]) -> NewApiKey {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    NewApiKey { name: "nightly".to_owned(), scopes, expires_at: None, rate_limit: None }
}

#[actix_web::test]
async fn a_key_is_shown_once_and_kept_as_a_hash() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let made = auth.client.create_api_key(&ada.inward, &new(&["prefs:read"])).await.unwrap();
    let text: ApiKeyText = made.key.expose().parse().unwrap();
    assert_eq!(text.id(), made.shown.id);
    assert!(made.shown.prefix.starts_with("plk_dev_"));
    let listed = auth.client.api_keys(&ada.inward, "").await.unwrap();
    assert_eq!(listed.data, [made.shown]);
    let secret = made.key.expose().rsplit('_').next().unwrap();
    let rows = auth.db.connect().await.query("SELECT api_keys::text FROM api_keys", &[]).await.unwrap();
    assert!(!rows[0].get::<_, String>(0).contains(secret), "the secret is not in the database");
}

#[actix_web::test]
async fn a_key_holds_no_more_than_its_maker() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    for scopes in [&["auth:admin"][..], &["prefs:read", "prefs:admin"], &["nonsense"], &[]] {
        let outcome = auth.client.create_api_key(&ada.inward, &new(scopes)).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{scopes:?}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM api_keys").await, 0);
}

#[actix_web::test]
async fn a_key_cannot_make_change_or_delete_keys() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read", "auth:write"]).await;
    let mut claims = crate::spawn::claims_of(&ada.inward);
    claims.sid = Some(key.shown.id.to_string());
    let by_key = auth.issuer.sign(&claims).into();
    let session_required = code(403, "session_required");
    assert_eq!(refused(auth.client.create_api_key(&by_key, &new(&["auth:read"])).await), session_required);
    assert_eq!(refused(auth.client.delete_api_key(&by_key, key.shown.id).await), session_required);
    assert_eq!(refused(auth.client.delete_me(&by_key).await), session_required);
    assert_eq!(refused(auth.client.logout(&by_key).await), session_required);
    assert_eq!(auth.client.api_keys(&by_key, "").await.unwrap().data.len(), 1, "but it reads them");
    auth.client.delete_api_key(&ada.inward, key.shown.id).await.unwrap();
    assert_eq!(refused(auth.client.me(&by_key).await), code(401, "token_revoked"));
}

#[actix_web::test]
async fn keys_are_their_owners_alone() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let key = auth.api_key(&ada, &["prefs:read"]).await.shown.id;
    let change = ApiKeyChange { name: Some("mine now".to_owned()), ..ApiKeyChange::default() };
    assert_eq!(
        refused(auth.client.change_api_key(&eve.inward, key, &change).await),
        code(404, "api_key_not_found")
    );
    assert_eq!(refused(auth.client.delete_api_key(&eve.inward, key).await), code(404, "api_key_not_found"));
    assert!(auth.client.api_keys(&eve.inward, "").await.unwrap().data.is_empty());
    let changed = auth.client.change_api_key(&ada.inward, key, &change).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.expires_at), ("mine now", None));
    let end = Timestamp::now() + Duration::from_secs(3600);
    let change = ApiKeyChange { expires_at: Some(Some(end)), ..ApiKeyChange::default() };
    let changed = auth.client.change_api_key(&ada.inward, key, &change).await.unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.expires_at.map(|at| at.to_string())),
        ("mine now", Some(end.to_string()))
    );
    let unchanged = auth.client.change_api_key(&ada.inward, key, &ApiKeyChange::default()).await.unwrap();
    assert_eq!(unchanged, changed);
}

#[actix_web::test]
async fn the_hundred_and_first_key_is_refused_even_in_a_race() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.sql(
        "INSERT INTO api_keys (id, org_id, user_id, name, prefix, secret_hash, scopes, created_at)
         SELECT gen_random_uuid(), m.org_id, m.user_id, 'x', 'x', 'x', '{}', now()
         FROM memberships m, generate_series(1, 99)",
    )
    .await;
    let request = new(&["prefs:read"]);
    let outcomes = join_all((0..10).map(|_| auth.client.create_api_key(&ada.inward, &request))).await;
    let (made, refusals): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(refusals.into_iter().all(|outcome| refused(outcome) == code(409, "too_many_api_keys")));
    assert_eq!(auth.count("SELECT count(*) FROM api_keys").await, 100);
}
