use contract_auth::{Exchange, Grant, IssuedToken, Secret};
use identity::{Actor, Claims};
use service_discovery::{CallError, Service};

use crate::spawn::{Auth, PREFS_SECRET, claims_of, code, gateway_secret, refused, spawn};

pub(crate) async fn redeem(auth: &Auth, ticket: &Secret) -> Result<IssuedToken, CallError> {
    let grant = Grant::Exchange(Exchange::WsTicket(ticket.clone()));
    auth.internal.token(Service::Gateway, &gateway_secret(), grant).await
}

pub(crate) async fn ticket(auth: &Auth, inward: &Secret) -> Secret {
    let ticket = auth.client.ws_ticket(inward).await.unwrap();
    assert_eq!(ticket.expires_in, 30);
    ticket.ticket
}

#[actix_web::test]
async fn a_ticket_becomes_a_token_of_the_same_session_once() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let ticket = ticket(&auth, &ada.inward).await;
    let issued = redeem(&auth, &ticket).await.unwrap();
    let (own, given) = (claims_of(&ada.tokens.access_token), claims_of(&issued.access_token));
    assert_eq!((given.aud.as_str(), issued.expires_in), ("plinth", 300));
    assert_eq!((given.sub, given.org, given.sid, given.scope), (own.sub, own.org, own.sid, own.scope));
    assert_eq!(refused(redeem(&auth, &ticket).await), code(400, "invalid_grant"));
}

#[actix_web::test]
async fn a_ticket_is_good_for_no_more_than_what_asked_for_it() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let actor = Actor { sub: "service:agents".to_owned(), act: None };
    let scope = "agents:read".parse().unwrap();
    let narrow = Claims { scope, act: Some(actor.clone()), ..claims_of(&ada.inward) };
    let ticket = ticket(&auth, &auth.issuer.sign(&narrow).into()).await;
    let issued = redeem(&auth, &ticket).await.unwrap();
    assert_eq!(issued.scope, "agents:read");
    assert_eq!(claims_of(&issued.access_token).act, Some(actor), "who acts in the user's name still shows");
}

#[actix_web::test]
async fn a_ticket_of_an_api_key_holds_what_the_key_holds() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let key = auth.api_key(&ada, &["agents:read"]).await;
    let sid = Some(key.shown.id.to_string());
    let claims = Claims { sid: sid.clone(), scope: "agents:read".parse().unwrap(), ..claims_of(&ada.inward) };
    let by_key: Secret = auth.issuer.sign(&claims).into();
    let issued = redeem(&auth, &ticket(&auth, &by_key).await).await.unwrap();
    assert_eq!((issued.scope.as_str(), claims_of(&issued.access_token).sid), ("agents:read", sid));
    let late = ticket(&auth, &by_key).await;
    auth.client.delete_api_key(&ada.inward, key.shown.id).await.unwrap();
    assert_eq!(refused(redeem(&auth, &late).await), code(400, "invalid_grant"), "the key is gone");
}

#[actix_web::test]
async fn a_ticket_dies_with_its_session_and_its_user() {
    let auth = spawn().await;
    let ends = [
        "UPDATE sessions SET revoked_at = now()",
        "UPDATE sessions SET rotated_at = now() - interval '31 days'",
        "UPDATE users SET banned_at = now(), banned_why = 'x'",
        "DELETE FROM users",
    ];
    for (turn, end) in ends.into_iter().enumerate() {
        let ada = auth.somebody(&format!("ada{turn}@example.com")).await;
        let ticket = ticket(&auth, &ada.inward).await;
        auth.sql(end).await;
        assert_eq!(refused(redeem(&auth, &ticket).await), code(400, "invalid_grant"), "{end}");
    }
}

/// A session acts in one organisation; so does what it asked for before.
#[actix_web::test]
async fn a_ticket_dies_when_its_session_moves_to_another_organisation() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let org = auth.org(&ada).await;
    let ticket = ticket(&auth, &ada.inward).await;
    auth.client.switch_org(&ada.inward, org).await.unwrap();
    assert_eq!(refused(redeem(&auth, &ticket).await), code(400, "invalid_grant"));
}

#[actix_web::test]
async fn a_ticket_brings_the_rights_of_now() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let ticket = ticket(&auth, &ada.inward).await;
    auth.sql("DELETE FROM role_permissions WHERE role = 'USER' AND scope <> 'prefs:read'").await;
    assert_eq!(redeem(&auth, &ticket).await.unwrap().scope, "prefs:read");
}

#[actix_web::test]
async fn only_the_gateway_redeems_tickets() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let ticket = ticket(&auth, &ada.inward).await;
    let grant = Grant::Exchange(Exchange::WsTicket(ticket.clone()));
    let prefs = auth.internal.token(Service::Prefs, &PREFS_SECRET.to_owned().into(), grant).await;
    assert_eq!(refused(prefs), code(400, "invalid_target"));
    assert!(redeem(&auth, &ticket).await.is_ok(), "it was not used up");
}
