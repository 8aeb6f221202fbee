//! Grants: what long-running work is left with when the person has gone.

use contract_auth::{Exchange, Grant, HeldGrant, IssuedToken, NewGrant, Secret};
use futures_util::future::join_all;
use identity::{Actor, Claims};
use ids::{ApiKeyId, GrantId, UserId};
use service_discovery::{CallError, Service};

use crate::spawn::{Auth, NOTIFY_SECRET, PREFS_SECRET, Somebody, claims_of, code, refused, spawn};

/// The service's own token for auth.
async fn own(auth: &Auth, service: Service) -> Secret {
    let secret = if service == Service::Prefs { PREFS_SECRET } else { NOTIFY_SECRET };
    let asked = auth.internal.token(service, &secret.to_owned().into(), Grant::Own(Service::Auth)).await;
    asked.unwrap().access_token
}

/// The token that came to prefs with a request of theirs.
fn shown(auth: &Auth, who: &Somebody) -> Secret {
    let claims = claims_of(&who.inward);
    auth.issuer.sign(&Claims { aud: "prefs".to_owned(), ..claims }).into()
}

pub(crate) async fn give(auth: &Auth, who: &Somebody, reference: &str) -> Result<HeldGrant, CallError> {
    let new = NewGrant::new(shown(auth, who), reference, "A nightly import", &["prefs:read", "prefs:write"]);
    auth.internal.create_grant(&own(auth, Service::Prefs).await, &new).await
}

async fn draw(auth: &Auth, id: GrantId) -> Result<IssuedToken, CallError> {
    draw_for(auth, id, Service::Notify).await
}

async fn draw_for(auth: &Auth, id: GrantId, service: Service) -> Result<IssuedToken, CallError> {
    let asked = Grant::Exchange(Exchange::Grant { id, service });
    auth.internal.token(Service::Prefs, &PREFS_SECRET.to_owned().into(), asked).await
}

/// What is audited and told of it.
pub(crate) async fn live(auth: &Auth) {
    let who = auth.somebody("grants@example.com").await;
    let given = give(auth, &who, "import_1").await.unwrap();
    auth.client.revoke_grant(&who.inward, given.id).await.unwrap();
}

fn nothing() -> (u16, String) {
    code(400, "invalid_grant")
}

#[actix_web::test]
async fn work_goes_on_when_its_person_has_logged_out() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let given = give(&auth, &ada, "import_1").await.unwrap();
    auth.client.logout(&ada.inward).await.unwrap();
    let issued = draw(&auth, given.id).await.unwrap();
    assert!((1..=300).contains(&issued.expires_in));
    let claims = claims_of(&issued.access_token);
    assert_eq!((claims.sub, claims.aud.as_str()), (ada.id().to_string(), "notify"));
    assert_eq!(claims.scope.to_string(), "prefs:read prefs:write");
    assert_eq!(claims.sid, Some(given.id.to_string()));
    assert_eq!(claims.act, Some(Actor { sub: "service:prefs".to_owned(), act: None }));
    assert_eq!(auth.count("SELECT count(*) FROM grants WHERE last_used_at IS NOT NULL").await, 1);
}

#[actix_web::test]
async fn a_token_is_drawn_by_the_holder_alone_for_a_service_and_never_for_auth_or_a_client() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let given = give(&auth, &ada, "import_1").await.unwrap();
    let asked = Grant::Exchange(Exchange::Grant { id: given.id, service: Service::Prefs });
    let stolen = auth.internal.token(Service::Notify, &NOTIFY_SECRET.to_owned().into(), asked).await;
    assert_eq!(refused(stolen), nothing(), "by another service");
    assert_eq!(refused(draw(&auth, GrantId::generate()).await), nothing(), "made up");
    for service in [Service::Auth, Service::Gateway] {
        assert_eq!(refused(draw_for(&auth, given.id, service).await), code(400, "invalid_target"));
    }
    let form = [
        ("grant_type", contract_auth::grant_type::TOKEN_EXCHANGE),
        ("subject_token_type", contract_auth::token_type::GRANT),
        ("subject_token", &given.id.to_string()),
        ("audience", "plinth"),
    ];
    let url = format!("{}/internal/v1/auth/token", auth.internal_base);
    let reply = testing::http().post(url).basic_auth("prefs", Some(PREFS_SECRET)).form(&form).send().await;
    assert_eq!(reply.unwrap().status(), 400, "no token as clients hold it");
}

#[actix_web::test]
async fn a_grant_is_given_by_a_token_for_the_service_that_shows_it_and_holds_no_more() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let prefs = own(&auth, Service::Prefs).await;
    let new = |token| NewGrant::new(token, "import_1", "An import", &["prefs:read"]);
    let strangers = auth.internal.create_grant(&prefs, &new(ada.inward.clone())).await;
    assert_eq!(refused(strangers), code(403, "token_not_yours"));
    let edge = auth.internal.create_grant(&prefs, &new(ada.tokens.access_token.clone())).await;
    assert_eq!(refused(edge).0, 401, "a client's own token is none of a service's");
    let by_person = auth.internal.create_grant(&ada.inward, &new(shown(&auth, &ada))).await;
    assert_eq!(refused(by_person).0, 403, "a person is no service");
    let service = auth.internal.create_grant(&prefs, &new(prefs.clone())).await;
    assert_eq!(refused(service).0, 403, "a service is no person");
    for (scope, wanted) in [("auth:admin", "scope_not_held"), ("payments:write", "scope_not_held")] {
        let more = NewGrant { scopes: vec![scope.to_owned()], ..new(shown(&auth, &ada)) };
        let Err(CallError::Refused(problem)) = auth.internal.create_grant(&prefs, &more).await else {
            panic!("{scope} was given")
        };
        assert_eq!((problem.status, problem.errors[0].code.as_str()), (422, wanted));
    }
    assert_eq!(auth.count("SELECT count(*) FROM grants").await, 0);
}

#[actix_web::test]
async fn who_impersonates_gives_nothing_that_outlives_it() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let actor = Some(Actor { sub: UserId::generate().to_string(), act: None });
    let claims = Claims { aud: "prefs".to_owned(), act: actor, ..claims_of(&ada.inward) };
    let new = NewGrant::new(auth.issuer.sign(&claims).into(), "import_1", "An import", &["prefs:read"]);
    let outcome = auth.internal.create_grant(&own(&auth, Service::Prefs).await, &new).await;
    assert_eq!(refused(outcome), code(403, "impersonated"));
}

#[actix_web::test]
async fn fifty_wishes_with_one_reference_are_one_grant() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let all = join_all((0..50).map(|_| give(&auth, &ada, "import_1"))).await;
    let ids: std::collections::BTreeSet<_> = all.into_iter().map(|given| given.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(auth.count("SELECT count(*) FROM audit_log WHERE action = 'grant.created'").await, 1);
    let other = NewGrant::new(shown(&auth, &ada), "import_1", "A nightly import", &["prefs:read"]);
    let other = auth.internal.create_grant(&own(&auth, Service::Prefs).await, &other).await;
    assert_eq!(refused(other), code(409, "grant_taken"), "for something else");
    assert_ne!(give(&auth, &ada, "import_2").await.unwrap().id, *ids.first().unwrap());
}

#[actix_web::test]
async fn a_person_sees_their_grants_and_takes_them_back() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let given = give(&auth, &ada, "import_1").await.unwrap();
    let listed = auth.client.grants(&ada.inward, "").await.unwrap().data;
    assert_eq!(
        (listed[0].id, listed[0].service.as_str(), listed[0].reference.as_str()),
        (given.id, "prefs", "import_1")
    );
    assert!(auth.client.grants(&eve.inward, "").await.unwrap().data.is_empty());
    assert_eq!(refused(auth.client.revoke_grant(&eve.inward, given.id).await), code(404, "grant_not_found"));
    let key = auth.api_key(&ada, &["auth:read", "auth:write"]).await;
    let by_key = crate::api_key_secret::exchange(&auth, &key.key).await.unwrap();
    let by_key = auth.client.revoke_grant(&auth.inward(&by_key.access_token), given.id).await;
    assert_eq!(refused(by_key), code(403, "session_required"));
    draw(&auth, given.id).await.unwrap();
    auth.client.revoke_grant(&ada.inward, given.id).await.unwrap();
    assert_eq!(refused(draw(&auth, given.id).await), nothing());
    let void = format!("SELECT count(*) FROM revocations WHERE subject = '{}'", given.id);
    assert_eq!(auth.count(&void).await, 1, "its tokens are void before they expire");
    assert_eq!(refused(auth.client.revoke_grant(&ada.inward, given.id).await), code(404, "grant_not_found"));
}

#[actix_web::test]
async fn a_service_gives_back_what_it_holds_and_nothing_else() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let given = give(&auth, &ada, "import_1").await.unwrap();
    let (prefs, notify) = (own(&auth, Service::Prefs).await, own(&auth, Service::Notify).await);
    let by_other = auth.internal.give_back_grant(&notify, given.id).await;
    assert_eq!(refused(by_other), code(404, "grant_not_found"));
    auth.internal.give_back_grant(&prefs, given.id).await.unwrap();
    assert_eq!(refused(draw(&auth, given.id).await), nothing());
}

#[actix_web::test]
async fn a_grant_loses_what_its_person_loses() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let (id, given) = (ada.id().uuid(), give(&auth, &ada, "import_1").await.unwrap());
    auth.sql(&format!("UPDATE users SET banned_at = now() WHERE id = '{id}'")).await;
    assert_eq!(refused(draw(&auth, given.id).await), nothing(), "banned");
    auth.sql(&format!("UPDATE users SET banned_at = NULL WHERE id = '{id}'")).await;
    draw(&auth, given.id).await.unwrap();
    auth.sql("DELETE FROM role_permissions WHERE role = 'USER' AND scope = 'prefs:write'").await;
    assert_eq!(draw(&auth, given.id).await.unwrap().scope, "prefs:read", "another role");
    auth.sql("DELETE FROM role_permissions WHERE role = 'USER' AND scope = 'prefs:read'").await;
    assert_eq!(refused(draw(&auth, given.id).await), nothing(), "nothing is left");
}

#[actix_web::test]
async fn a_grant_ends_with_its_time_its_person_and_its_key() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let late = give(&auth, &ada, "import_1").await.unwrap();
    auth.sql("UPDATE grants SET expires_at = now() + interval '20 seconds'").await;
    assert!(draw(&auth, late.id).await.unwrap().expires_in <= 20, "no token outlives it");
    auth.sql("UPDATE grants SET expires_at = now()").await;
    assert_eq!(refused(draw(&auth, late.id).await), nothing());
    assert!(auth.client.grants(&ada.inward, "").await.unwrap().data.is_empty());
    let anew = give(&auth, &ada, "import_1").await.unwrap();
    assert_ne!(anew.id, late.id, "what has run out stands in nobody's way");
    draw(&auth, anew.id).await.unwrap();

    let key = auth.api_key(&ada, &["prefs:read", "prefs:write"]).await.shown.id;
    let by_key = by_key(&auth, &ada, key).await;
    draw(&auth, by_key.id).await.unwrap();
    auth.sql("UPDATE api_keys SET expires_at = now()").await;
    assert_eq!(refused(draw(&auth, by_key.id).await), nothing(), "the key has ended");
    auth.sql("UPDATE api_keys SET expires_at = NULL").await;
    auth.client.delete_api_key(&ada.inward, key).await.unwrap();
    assert_eq!(refused(draw(&auth, by_key.id).await), nothing(), "the key is deleted");
    let void = format!("SELECT count(*) FROM revocations WHERE subject = '{}'", by_key.id);
    assert_eq!(auth.count(&void).await, 1, "with the tokens that were drawn");

    let eve = auth.somebody("eve@example.com").await;
    let of_eve = give(&auth, &eve, "import_1").await.unwrap();
    let admin = auth.admin().await;
    auth.client.delete_user(&admin, eve.id()).await.unwrap();
    assert_eq!(refused(draw(&auth, of_eve.id).await), nothing(), "the person is gone");
}

/// A grant that is given by an API key.
async fn by_key(auth: &Auth, who: &Somebody, key: ApiKeyId) -> HeldGrant {
    let claims = claims_of(&who.inward);
    let claims = Claims { aud: "prefs".to_owned(), sid: Some(key.to_string()), ..claims };
    let token = auth.issuer.sign(&claims).into();
    let new = NewGrant::new(token, "import_2", "An import", &["prefs:read"]);
    auth.internal.create_grant(&own(auth, Service::Prefs).await, &new).await.unwrap()
}

#[actix_web::test]
async fn nobody_gives_more_than_the_limit_however_many_at_once() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let (user, org) = (ada.id().uuid(), claims_of(&ada.inward).org.unwrap().uuid());
    auth.sql(&format!(
        "INSERT INTO grants (id, org_id, user_id, service, reference, description, scopes, created_at, expires_at)
         SELECT gen_random_uuid(), '{org}', '{user}', 'prefs', 'r' || n, 'd', '{{prefs:read}}', now(), now() + interval '1 day'
         FROM generate_series(1, 995) n"
    ))
    .await;
    let references: Vec<String> = (0..20).map(|n| format!("import_{n}")).collect();
    let all = join_all(references.iter().map(|reference| give(&auth, &ada, reference))).await;
    assert_eq!(all.iter().filter(|given| given.is_ok()).count(), 5);
    for refusal in all.into_iter().filter(Result::is_err) {
        assert_eq!(refused(refusal), code(409, "too_many_grants"));
    }
}
