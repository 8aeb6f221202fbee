use contract_auth::{Exchange, Grant, NewApiKey, Secret};
use identity::{Feed, FetchedKeys, KeySource, Revocations, Trusted, Verifier, jwks_path};
use ids::Timestamp;
use secrecy::SecretString;
use service_discovery::{Peer, PeerOptions, Service};
use service_kit::{db::Connector, settings::Reader};
use std::time::Duration;

use crate::spawn::{Auth, PREFS_SECRET, SEALING_KEYS, claims_of, code, gateway_secret, refused, spawn};

async fn exchange(
    auth: &Auth,
    key: &Secret,
) -> Result<contract_auth::IssuedToken, service_discovery::CallError> {
    let grant = Grant::Exchange(Exchange::ApiKey(key.clone()));
    auth.internal.token(Service::Gateway, &gateway_secret(), grant).await
}

fn verifier(auth: &Auth, audience: &str, path: &str, base: &str) -> Verifier {
    let peer = Peer::new(&[base.parse().unwrap()], &PeerOptions::default()).unwrap();
    let keys = KeySource::Fetched(FetchedKeys::new(peer, path));
    let _ = auth;
    let issuer = "http://127.0.0.1:8080".to_owned();
    let trusted = Trusted { issuer, audiences: vec![audience.to_owned()], keys };
    let revocations = Revocations::default();
    revocations.take(Feed::default());
    Verifier::new(vec![trusted], revocations)
}

#[actix_web::test]
async fn a_logins_token_verifies_with_the_published_keys() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let public = verifier(&auth, "plinth", "/.well-known/jwks.json", &auth.base);
    assert!(public.verify(ada.tokens.access_token.expose()).await.is_ok());
    let inside = verifier(&auth, "plinth", &jwks_path(Service::Auth), &auth.internal_base);
    assert!(inside.verify(ada.tokens.access_token.expose()).await.is_ok());
    let discovery = format!("{}/.well-known/openid-configuration", auth.base);
    let metadata: serde_json::Value =
        testing::http().get(discovery).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["jwks_uri"], "http://127.0.0.1:8080/.well-known/jwks.json");
}

#[actix_web::test]
async fn an_api_key_is_exchanged_for_a_token_with_its_scopes() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read"]).await;
    let issued = exchange(&auth, &key.key).await.unwrap();
    let claims = claims_of(&issued.access_token);
    assert_eq!((issued.expires_in, claims.exp - claims.iat, issued.scope.as_str()), (900, 900, "prefs:read"));
    assert_eq!(claims.sid, Some(key.shown.id.to_string()));
    assert_eq!(claims.sub, claims_of(&ada.tokens.access_token).sub);
}

#[actix_web::test]
async fn a_key_loses_what_its_user_loses() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read", "prefs:write"]).await;
    auth.sql("DELETE FROM role_permissions WHERE scope = 'prefs:write'").await;
    assert_eq!(exchange(&auth, &key.key).await.unwrap().scope, "prefs:read");
}

/// What roles permit is kept in mind: by the id of its state, which every change replaces.
#[actix_web::test]
async fn what_roles_permit_is_felt_however_it_changes_and_not_before() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read", "prefs:write"]).await;
    let scope = async || exchange(&auth, &key.key).await.unwrap().scope;
    let (both, read) = ("prefs:read prefs:write", "prefs:read");
    assert_eq!(scope().await, both);
    let under_way = auth.db.connect().await;
    let change = "BEGIN; DELETE FROM role_permissions WHERE scope = 'prefs:write'";
    under_way.batch_execute(change).await.unwrap();
    assert_eq!(scope().await, both, "it is not committed");
    under_way.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(scope().await, both, "nor will be");
    auth.sql("UPDATE permissions SET sensitive = true WHERE scope = 'prefs:write'").await;
    assert_eq!(scope().await, read, "the address is not verified");
    auth.sql("UPDATE permissions SET sensitive = false WHERE scope = 'prefs:write'").await;
    assert_eq!(scope().await, both);
    auth.sql("DELETE FROM permissions WHERE scope = 'prefs:write'").await;
    assert_eq!(scope().await, read, "with the permission itself");
}

#[actix_web::test]
async fn a_key_that_ended_or_never_was_opens_nothing() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let refusal = code(400, "invalid_grant");
    let key = auth.api_key(&ada, &["prefs:read"]).await;
    for (undo, redo) in [
        ("UPDATE api_keys SET expires_at = now()", "UPDATE api_keys SET expires_at = NULL"),
        ("UPDATE users SET banned_at = now()", "UPDATE users SET banned_at = NULL"),
        ("UPDATE api_keys SET secret_hash = 'other'", "DELETE FROM api_keys"),
    ] {
        assert!(exchange(&auth, &key.key).await.is_ok());
        auth.sql(undo).await;
        assert_eq!(refused(exchange(&auth, &key.key).await), refusal, "{undo}");
        auth.sql(redo).await;
    }
    assert_eq!(refused(exchange(&auth, &key.key).await), refusal, "deleted");
    assert_eq!(refused(exchange(&auth, &"plk_dev_nonsense".into()).await), refusal);
}

#[actix_web::test]
async fn the_token_of_a_key_never_outlives_the_key() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let expires_at = Some(Timestamp::now() + Duration::from_secs(60));
    let new = NewApiKey {
        name: "short".to_owned(),
        scopes: vec!["prefs:read".to_owned()],
        expires_at,
        rate_limit: None,
    };
    let key = auth.client.create_api_key(&ada.inward, &new).await.unwrap();
    let issued = exchange(&auth, &key.key).await.unwrap();
    assert!((50..=60).contains(&issued.expires_in), "{}", issued.expires_in);
}

#[actix_web::test]
async fn uses_of_keys_are_written_in_time_and_not_one_by_one() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read"]).await;
    exchange(&auth, &key.key).await.unwrap();
    assert_eq!(auth.count("SELECT count(*) FROM api_keys WHERE last_used_at IS NOT NULL").await, 0);
    let Auth { db, stop, .. } = auth;
    drop(stop);
    let client = db.connect().await;
    let written = "SELECT count(*) FROM api_keys WHERE last_used_at IS NOT NULL";
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if client.query_one(written, &[]).await.unwrap().get::<_, i64>(0) == 1 {
            return;
        }
    }
    panic!("a stop writes what was noted");
}

#[actix_web::test]
async fn only_known_services_get_tokens_and_only_the_gateway_shows_keys() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["prefs:read"]).await.key;
    let wrong: SecretString = "a wrong secret".to_owned().into();
    let prefs: SecretString = PREFS_SECRET.to_owned().into();
    let own = |service| Grant::Own(service);
    let outcome = auth.internal.token(Service::Gateway, &wrong, own(Service::Prefs)).await;
    assert_eq!(refused(outcome), code(401, "invalid_client"));
    let outcome = auth.internal.token(Service::Order, &gateway_secret(), own(Service::Prefs)).await;
    assert_eq!(refused(outcome), code(401, "invalid_client"));
    let outcome = auth.internal.token(Service::Prefs, &prefs, Grant::Exchange(Exchange::ApiKey(key))).await;
    assert_eq!(refused(outcome), code(400, "invalid_target"));
    let issued = auth.internal.token(Service::Prefs, &prefs, own(Service::Auth)).await.unwrap();
    let claims = claims_of(&issued.access_token);
    assert_eq!((claims.sub.as_str(), claims.aud.as_str(), claims.org), ("service:prefs", "auth", None));
}

#[actix_web::test]
async fn a_services_own_token_opens_no_persons_route() {
    let auth = spawn().await;
    let prefs: SecretString = PREFS_SECRET.to_owned().into();
    let issued = auth.internal.token(Service::Prefs, &prefs, Grant::Own(Service::Auth)).await.unwrap();
    assert_eq!(refused(auth.client.me(&issued.access_token).await), code(403, "person_required"));
}

#[actix_web::test]
async fn on_behalf_of_a_person_a_service_gets_no_more_than_it_was_shown() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let prefs: SecretString = PREFS_SECRET.to_owned().into();
    let mut shown = claims_of(&ada.inward);
    shown.aud = "prefs".to_owned();
    shown.scope = "webhooks:write prefs:read".parse().unwrap();
    let on_behalf = |token: String| {
        Grant::Exchange(Exchange::OnBehalf { token: token.into(), service: Service::Webhook })
    };
    let issued =
        auth.internal.token(Service::Prefs, &prefs, on_behalf(auth.issuer.sign(&shown))).await.unwrap();
    let claims = claims_of(&issued.access_token);
    assert_eq!(
        (claims.sub, claims.aud.as_str(), claims.scope),
        (shown.sub.clone(), "webhook", shown.scope.clone())
    );
    assert_eq!(claims.act.unwrap().sub, "service:prefs");
    shown.aud = "order".to_owned();
    let outcome = auth.internal.token(Service::Prefs, &prefs, on_behalf(auth.issuer.sign(&shown))).await;
    assert_eq!(refused(outcome), code(400, "invalid_grant"), "a token meant for another service");
    let edge = on_behalf(ada.tokens.access_token.expose().to_owned());
    let outcome = auth.internal.token(Service::Prefs, &prefs, edge).await;
    assert_eq!(refused(outcome), code(400, "invalid_grant"), "a client's token");
}

#[actix_web::test]
async fn the_token_endpoint_is_not_on_the_public_listener() {
    let auth = spawn().await;
    let reply = testing::http().post(format!("{}/internal/v1/auth/token", auth.base)).send().await.unwrap();
    assert_eq!(reply.status(), 404);
}

#[actix_web::test]
async fn a_rotation_overlaps_and_an_emergency_does_not() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let mut connection = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    let keyring = sealing::Keyring::parse(SEALING_KEYS).unwrap();
    let next = auth::admin::rotate_signing_key(&mut connection, &keyring, false).await.unwrap();
    let lines = auth::admin::list_signing_keys(&mut connection).await.unwrap();
    assert!(lines[0].starts_with("next") && lines[0].contains(&next), "{lines:?}");
    assert!(lines[1].starts_with("active") && lines[1].contains("retires"), "{lines:?}");
    let stolen = auth::admin::rotate_signing_key(&mut connection, &keyring, true).await.unwrap();
    let lines = auth::admin::list_signing_keys(&mut connection).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.starts_with("retired")).count(), 2, "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("active") && line.contains(&stolen)), "{lines:?}");
    // A replica that starts now signs with the new key, and publishes no other.
    let settings = settings_like(&auth);
    let replica = auth::App::build(settings).await.unwrap();
    let (public, _) = replica.addresses().unwrap();
    actix_web::rt::spawn(replica.run(std::future::pending()));
    let fresh = verifier(&auth, "plinth", "/.well-known/jwks.json", &format!("http://{public}"));
    assert!(
        fresh.verify(ada.tokens.access_token.expose()).await.is_err(),
        "the stolen key's tokens are void"
    );
}

#[actix_web::test]
async fn a_sealing_key_is_rotated_without_a_pause() {
    let auth = spawn().await;
    let newer = format!("k2:HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,{SEALING_KEYS}");
    let both = settings_with(&auth, &newer);
    auth::App::build(both).await.unwrap();
    let only = settings_with(&auth, newer.split(',').next().unwrap());
    assert!(auth::App::build(only).await.is_ok(), "what the old key sealed was sealed anew");
    let old = settings_with(&auth, SEALING_KEYS);
    let error = auth::App::build(old).await.err().unwrap().to_string();
    assert!(error.contains("AUTH__SEALING__KEYS"), "{error}");
}

#[actix_web::test]
async fn without_its_tables_auth_waits_unready_and_begins_when_they_come() {
    let auth = spawn().await;
    auth.sql("ALTER TABLE signing_keys RENAME TO away").await;
    let late = auth::App::build(settings_like(&auth)).await.unwrap();
    let (public, _) = late.addresses().unwrap();
    actix_web::rt::spawn(late.run(std::future::pending()));
    let get = async |path: &str| testing::http().get(format!("http://{public}{path}")).send().await.unwrap();
    let unready = get("/readyz").await;
    assert_eq!((unready.status().as_u16(), unready.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert!(unready.text().await.unwrap().contains("there is no signing key yet"));
    assert_eq!(get("/.well-known/jwks.json").await.status(), 503);
    assert_eq!(get("/healthz").await.status(), 200);
    auth.sql("ALTER TABLE away RENAME TO signing_keys").await;
    for _ in 0..200 {
        if get("/readyz").await.status() == 200 {
            assert_eq!(get("/.well-known/jwks.json").await.status(), 200);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never became ready");
}

fn settings_like(auth: &Auth) -> auth::Settings {
    settings_with(auth, SEALING_KEYS)
}

fn settings_with(auth: &Auth, sealing: &str) -> auth::Settings {
    let variables = [
        ("PLINTH_ENV", "development"),
        ("AUTH__HTTP__BIND", "127.0.0.1:0"),
        ("AUTH__HTTP__INTERNAL_BIND", "127.0.0.1:0"),
        ("AUTH__DATABASE__URL", auth.db.url()),
        ("AUTH__SEALING__KEYS", sealing),
        ("AUTH__CLIENTS__GATEWAY", crate::spawn::CLIENT_SECRET),
        ("GATEWAY_INTERNAL_URL", auth.issuer.url()),
        ("AUTH__ROLE", "api"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    auth::Settings::read(Reader::new(Service::Auth, None, variables)).unwrap()
}

#[actix_web::test]
async fn ten_first_starts_at_once_make_one_key() {
    let auth = spawn().await;
    auth.sql("DELETE FROM signing_keys").await;
    let settings: Vec<_> = (0..10).map(|_| settings_like(&auth)).collect();
    let apps = futures_util::future::join_all(settings.into_iter().map(auth::App::build)).await;
    assert!(apps.iter().all(Result::is_ok));
    assert_eq!(auth.count("SELECT count(*) FROM signing_keys").await, 1);
}
