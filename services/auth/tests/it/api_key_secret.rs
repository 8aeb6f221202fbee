//! The secrets of API keys: whose they are, what they open, and how they change.

use contract_auth::{ApiKeyChange, Exchange, Grant, IssuedToken, Secret};
use futures_util::future::join_all;
use ids::ApiKeyId;
use serde_json::json;
use service_discovery::{CallError, Service};

use crate::spawn::{Auth, Somebody, claims_of, code, gateway_secret, refused, spawn};

pub(crate) async fn exchange(auth: &Auth, key: &Secret) -> Result<IssuedToken, CallError> {
    let grant = Grant::Exchange(Exchange::ApiKey(key.clone()));
    auth.internal.token(Service::Gateway, &gateway_secret(), grant).await
}

/// Whether the secret opens.
async fn opens(auth: &Auth, key: &Secret) -> bool {
    match exchange(auth, key).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(refused(Err::<(), _>(error)), code(400, "invalid_grant"));
            false
        }
    }
}

/// CVE-2025-61928.
#[actix_web::test]
async fn nobody_makes_a_key_anonymously_or_for_somebody_else() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let url = format!("{}/api/v1/auth/api-keys", auth.base);
    let post = |body: serde_json::Value| testing::http().post(&url).json(&body);
    let good = json!({ "name": "x", "scopes": ["auth:read"] });
    assert_eq!(post(good.clone()).send().await.unwrap().status(), 401, "anonymously");
    for owner in ["user_id", "userId", "owner_id", "org_id", "id", "user"] {
        let mut body = good.clone();
        body[owner] = json!(ada.id().to_string());
        assert_eq!(post(body.clone()).send().await.unwrap().status(), 401, "{owner}, anonymously");
        let by_eve = post(body).bearer_auth(eve.inward.expose()).send().await.unwrap();
        assert_eq!(by_eve.status(), 422, "{owner}, by somebody else");
    }
    for header in ["x-user-id", "x-plinth-user", "x-forwarded-user"] {
        let made = post(good.clone()).header(header, ada.id().to_string()).send().await.unwrap();
        assert_eq!(made.status(), 401, "{header}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM api_keys").await, 0);
    assert_eq!(
        post(good).bearer_auth(eve.inward.expose()).send().await.unwrap().status(),
        201,
        "for oneself it is"
    );
    assert!(auth.client.api_keys(&ada.inward, "").await.unwrap().data.is_empty());
}

#[actix_web::test]
async fn a_rotation_without_an_overlap_voids_the_secret_and_its_tokens_at_once() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read"]).await;
    let token = auth.inward(&exchange(&auth, &key.key).await.unwrap().access_token);
    assert!(auth.client.me(&token).await.is_ok());
    let next = auth.client.rotate_api_key(&ada.inward, key.shown.id, 0).await.unwrap();
    assert_eq!((next.shown.id, next.shown.scopes.clone()), (key.shown.id, key.shown.scopes));
    assert!(next.shown.rotated_at.is_some() && next.shown.old_secret_until.is_none());
    assert!(!opens(&auth, &key.key).await && opens(&auth, &next.key).await);
    assert_eq!(refused(auth.client.me(&token).await), code(503, "rights_changed"), "exchange it anew");
    let fresh = auth.inward(&exchange(&auth, &next.key).await.unwrap().access_token);
    assert!(auth.client.me(&fresh).await.is_ok());
}

#[actix_web::test]
async fn the_old_secret_opens_for_the_overlap_and_no_longer() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let first = auth.api_key(&ada, &["auth:read"]).await;
    let token = auth.inward(&exchange(&auth, &first.key).await.unwrap().access_token);
    let second = auth.client.rotate_api_key(&ada.inward, first.shown.id, 60).await.unwrap();
    assert!(second.shown.old_secret_until.is_some());
    assert!(opens(&auth, &first.key).await && opens(&auth, &second.key).await);
    assert!(auth.client.me(&token).await.is_ok(), "who uses it notices nothing");
    let last = exchange(&auth, &first.key).await.unwrap();
    assert!(last.expires_in <= 60, "its tokens end with the overlap: {}", last.expires_in);
    auth.sql("UPDATE api_keys SET old_secret_until = now()").await;
    assert!(!opens(&auth, &first.key).await && opens(&auth, &second.key).await);
    assert!(auth.client.api_keys(&ada.inward, "").await.unwrap().data[0].old_secret_until.is_none());
}

#[actix_web::test]
async fn a_second_rotation_ends_the_overlap_of_the_first() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let first = auth.api_key(&ada, &["auth:read"]).await;
    let second = auth.client.rotate_api_key(&ada.inward, first.shown.id, 3600).await.unwrap();
    let token = auth.inward(&exchange(&auth, &first.key).await.unwrap().access_token);
    let third = auth.client.rotate_api_key(&ada.inward, first.shown.id, 3600).await.unwrap();
    assert!(!opens(&auth, &first.key).await);
    assert!(opens(&auth, &second.key).await && opens(&auth, &third.key).await);
    assert!(auth.client.me(&token).await.is_err(), "a token of the first is void");
    let week = 7 * 24 * 60 * 60;
    assert!(auth.client.rotate_api_key(&ada.inward, first.shown.id, week).await.is_ok());
    let longer = auth.client.rotate_api_key(&ada.inward, first.shown.id, week + 1).await;
    assert_eq!(refused(longer), code(422, "invalid_fields"));
}

#[actix_web::test]
async fn of_twenty_rotations_at_once_one_secret_opens() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read"]).await;
    let rotations = (0..20).map(|_| auth.client.rotate_api_key(&ada.inward, key.shown.id, 0));
    let secrets = join_all(rotations).await;
    let mut open = 0;
    for secret in secrets {
        open += u32::from(opens(&auth, &secret.unwrap().key).await);
    }
    assert_eq!(open, 1);
}

#[actix_web::test]
async fn secrets_are_rotated_by_their_owner_in_a_session_alone() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let key = auth.api_key(&ada, &["auth:read", "auth:write"]).await;
    let unknown = code(404, "api_key_not_found");
    assert_eq!(refused(auth.client.rotate_api_key(&eve.inward, key.shown.id, 0).await), unknown);
    assert_eq!(refused(auth.client.rotate_api_key(&ada.inward, ApiKeyId::generate(), 0).await), unknown);
    let by_key = auth.inward(&exchange(&auth, &key.key).await.unwrap().access_token);
    let itself = auth.client.rotate_api_key(&by_key, key.shown.id, 0).await;
    assert_eq!(refused(itself), code(403, "session_required"));
    assert!(opens(&auth, &key.key).await);
}

#[actix_web::test]
async fn a_keys_own_limit_is_in_its_tokens_and_another_holds_at_once() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read"]).await;
    let limit = async || claims_of(&exchange(&auth, &key.key).await.unwrap().access_token).rpm;
    assert_eq!(limit().await, None);
    let token = auth.inward(&exchange(&auth, &key.key).await.unwrap().access_token);
    let change = ApiKeyChange { rate_limit: Some(Some(600)), ..ApiKeyChange::default() };
    let changed = auth.client.change_api_key(&ada.inward, key.shown.id, &change).await.unwrap();
    assert_eq!((changed.rate_limit, limit().await), (Some(600), Some(600)));
    assert!(auth.client.me(&token).await.is_err(), "a token that says another limit is void");
    let change = ApiKeyChange { rate_limit: Some(None), ..ApiKeyChange::default() };
    let changed = auth.client.change_api_key(&ada.inward, key.shown.id, &change).await.unwrap();
    assert_eq!((changed.rate_limit, limit().await), (None, None));
    for bad in [0, 100_001] {
        let change = ApiKeyChange { rate_limit: Some(Some(bad)), ..ApiKeyChange::default() };
        let outcome = auth.client.change_api_key(&ada.inward, key.shown.id, &change).await;
        assert_eq!(refused(outcome), code(422, "invalid_fields"), "{bad}");
    }
}

#[actix_web::test]
async fn a_key_shrinks_with_its_makers_rights() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let admin = auth.admin().await;
    auth.client.set_roles(&admin, ada.id(), &["RESELLER"]).await.unwrap();
    let tokens = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    let reseller = Somebody { inward: auth.inward(&tokens.access_token), tokens, ..ada };
    let key = auth.api_key(&reseller, &["licenses:write", "prefs:read"]).await.key;
    assert_eq!(exchange(&auth, &key).await.unwrap().scope, "licenses:write prefs:read");
    auth.client.set_roles(&admin, reseller.id(), &[]).await.unwrap();
    assert_eq!(exchange(&auth, &key).await.unwrap().scope, "prefs:read");
}

#[actix_web::test]
async fn a_key_of_who_left_the_organisation_opens_nothing() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let ada = auth.member(&owner, org, "member").await;
    let token = auth.client.switch_org(&ada.inward, org).await.unwrap().access_token.unwrap();
    let ada = Somebody { inward: auth.inward(&token), ..ada };
    let key = auth.api_key(&ada, &["prefs:read"]).await.key;
    assert!(opens(&auth, &key).await);
    auth.client.leave_org(&ada.inward, org).await.unwrap();
    assert!(!opens(&auth, &key).await);
}

/// From here on every statement that writes fails, whatever it writes to.
const NO_WRITES: &str = "
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% of %', TG_OP, TG_TABLE_NAME; END $$;
    DO $$ DECLARE t record; BEGIN
        FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON %I
                            FOR EACH STATEMENT EXECUTE FUNCTION refuse()', t.tablename);
        END LOOP;
    END $$";

#[actix_web::test]
async fn a_use_of_a_key_writes_nothing() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read"]).await;
    auth.db.connect().await.batch_execute(NO_WRITES).await.unwrap();
    for _ in 0..50 {
        exchange(&auth, &key.key).await.unwrap();
    }
    assert!(auth.client.delete_api_key(&ada.inward, key.shown.id).await.is_err(), "a write would be seen");
}
