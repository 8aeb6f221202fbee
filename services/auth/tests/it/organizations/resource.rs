use contract_auth::{Check, CheckOf, Grant, Level, Reason, ResourceId, Secret};
use ids::{OrgId, UserId};
use service_discovery::Service;

use super::thing;
use crate::spawn::{Auth, PREFS_SECRET, Somebody, claims_of, code, refused, spawn};

/// What a service is told of somebody and a resource.
async fn told(auth: &Auth, user: UserId, org: OrgId, permission: &str, resource: &ResourceId) -> Reason {
    let asked = Grant::Own(Service::Auth);
    let own = auth.internal.token(Service::Prefs, &PREFS_SECRET.to_owned().into(), asked).await.unwrap();
    let (permission, resource) = (permission.to_owned(), resource.clone());
    let check = CheckOf { user_id: user, org_id: org, permission, resource };
    let decision = auth.internal.check_of(&own.access_token, &check).await.unwrap();
    assert_eq!(decision.allowed, decision.reason.allows());
    decision.reason
}

async fn asked(auth: &Auth, token: &Secret, permission: &str, resource: &ResourceId) -> Reason {
    let check = Check { permission: permission.to_owned(), resource: resource.clone() };
    auth.client.check(token, &check).await.unwrap().reason
}

async fn inside(auth: &Auth, somebody: Somebody, org: OrgId) -> Somebody {
    let token = auth.client.switch_org(&somebody.inward, org).await.unwrap().access_token.unwrap();
    Somebody { inward: auth.inward(&token), ..somebody }
}

#[actix_web::test]
async fn a_resource_is_open_until_it_is_restricted_and_then_to_those_listed() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let (org, resource) = (auth.org(&owner).await, thing());
    let listed = auth.member(&owner, org, "member").await;
    let other = auth.member(&owner, org, "member").await;
    let viewer = auth.member(&owner, org, "viewer").await;
    let may = async |who: &Somebody, permission| told(&auth, who.id(), org, permission, &resource).await;
    assert_eq!(may(&other, "agents:write").await, Reason::Open);
    assert_eq!(may(&viewer, "agents:write").await, Reason::InsufficientScope);
    auth.client.permit_resource(&owner.inward, org, &resource, listed.id(), Level::Read).await.unwrap();
    assert_eq!(may(&listed, "agents:read").await, Reason::Granted);
    assert_eq!(may(&listed, "agents:write").await, Reason::InsufficientLevel);
    assert_eq!(may(&other, "agents:read").await, Reason::Restricted);
    assert_eq!(may(&owner, "agents:write").await, Reason::Administrator);
    auth.client.permit_resource(&owner.inward, org, &resource, viewer.id(), Level::Write).await.unwrap();
    assert_eq!(may(&viewer, "agents:write").await, Reason::InsufficientScope, "a level gives no scope");
    assert_eq!(may(&viewer, "agents:read").await, Reason::Granted);
    let stranger = auth.verified("eve@example.com").await;
    assert_eq!(may(&stranger, "agents:read").await, Reason::NotAMember);
    auth.client.ban(&auth.admin().await, listed.id(), "a test").await.unwrap();
    assert_eq!(may(&listed, "agents:read").await, Reason::NotAMember);
    auth.client.open_resource(&owner.inward, org, &resource).await.unwrap();
    assert_eq!(may(&other, "agents:write").await, Reason::Open);
}

#[actix_web::test]
async fn the_last_one_who_goes_opens_nothing() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let other = auth.member(&owner, org, "member").await;
    for removed in [true, false] {
        let (resource, last) = (thing(), auth.member(&owner, org, "member").await);
        auth.client.permit_resource(&owner.inward, org, &resource, last.id(), Level::Write).await.unwrap();
        match removed {
            true => auth.client.remove_member(&owner.inward, org, last.id()).await.unwrap(),
            false => {
                auth.client.forbid_resource(&owner.inward, org, &resource, last.id()).await.unwrap();
            }
        }
        let list = auth.client.resource_permissions(&owner.inward, org, &resource).await.unwrap();
        assert!(list.restricted && list.data.is_empty());
        assert_eq!(told(&auth, other.id(), org, "agents:read", &resource).await, Reason::Restricted);
    }
}

#[actix_web::test]
async fn a_callers_own_credential_is_judged_by_its_scopes_and_in_its_organisation() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let (org, resource) = (auth.org(&owner).await, thing());
    let member = auth.member(&owner, org, "member").await;
    auth.client.permit_resource(&owner.inward, org, &resource, owner.id(), Level::Read).await.unwrap();
    assert_eq!(asked(&auth, &member.inward, "agents:write", &resource).await, Reason::Open, "at home");
    let member = inside(&auth, member, org).await;
    assert_eq!(asked(&auth, &member.inward, "agents:write", &resource).await, Reason::Restricted);
    auth.client.permit_resource(&owner.inward, org, &resource, member.id(), Level::Admin).await.unwrap();
    assert_eq!(asked(&auth, &member.inward, "agents:write", &resource).await, Reason::Granted);
    let narrow = identity::Claims { scope: "auth:read".parse().unwrap(), ..claims_of(&member.inward) };
    let narrow = auth.issuer.sign(&narrow).into();
    assert_eq!(asked(&auth, &narrow, "agents:read", &resource).await, Reason::InsufficientScope);
    let check = Check { permission: "agents".to_owned(), resource };
    assert_eq!(refused(auth.client.check(&member.inward, &check).await), code(422, "invalid_fields"));
}

#[actix_web::test]
async fn a_resources_own_administrator_decides_about_it_and_about_nothing_else() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let (org, resource) = (auth.org(&owner).await, thing());
    let keeper = auth.member(&owner, org, "member").await;
    let other = auth.member(&owner, org, "member").await;
    auth.client.permit_resource(&owner.inward, org, &resource, keeper.id(), Level::Admin).await.unwrap();
    auth.client.permit_resource(&owner.inward, org, &resource, other.id(), Level::Write).await.unwrap();
    let keeper = inside(&auth, keeper, org).await;
    let list = auth.client.resource_permissions(&keeper.inward, org, &resource).await.unwrap();
    assert_eq!(list.data.len(), 2);
    let given = auth.client.permit_resource(&keeper.inward, org, &resource, other.id(), Level::Read).await;
    assert_eq!(given.unwrap().granted_by, Some(keeper.id()));
    let role = code(403, "role_insufficient");
    let elsewhere = auth.client.permit_resource(&keeper.inward, org, &thing(), other.id(), Level::Read).await;
    assert_eq!(refused(elsewhere), role);
    let by_other = auth.client.resource_permissions(&other.inward, org, &resource).await;
    assert_eq!(refused(by_other), role);
    let key = auth.api_key(&keeper, &["orgs:read"]).await.shown.id;
    let by_key = identity::Claims {
        sid: Some(key.to_string()),
        sver: 1,
        scope: "orgs:read".parse().unwrap(),
        ..claims_of(&keeper.inward)
    };
    let by_key = auth.issuer.sign(&by_key).into();
    assert_eq!(
        refused(auth.client.open_resource(&by_key, org, &resource).await),
        role,
        "a key that reads writes nothing"
    );
    let nobody =
        auth.client.permit_resource(&keeper.inward, org, &resource, UserId::generate(), Level::Read).await;
    assert_eq!(refused(nobody), code(404, "member_not_found"));
    let none = auth.client.forbid_resource(&keeper.inward, org, &resource, owner.id()).await;
    assert_eq!(refused(none), code(404, "resource_permission_not_found"));
}

#[actix_web::test]
async fn a_leave_in_one_organisation_says_nothing_in_another() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let (one, other, resource) = (auth.org(&owner).await, auth.org(&owner).await, thing());
    let member = auth.member(&owner, one, "member").await;
    let letter = auth.invited(&owner, other, &member.email, "member").await;
    auth.client.accept_invitation(&member.inward, &letter).await.unwrap();
    auth.client.permit_resource(&owner.inward, one, &resource, owner.id(), Level::Read).await.unwrap();
    assert_eq!(told(&auth, member.id(), one, "agents:read", &resource).await, Reason::Restricted);
    assert_eq!(told(&auth, member.id(), other, "agents:read", &resource).await, Reason::Open);
}

#[actix_web::test]
async fn only_a_service_asks_for_others() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let org = claims_of(&ada.inward).org.unwrap();
    let check =
        CheckOf { user_id: ada.id(), org_id: org, permission: "agents:read".to_owned(), resource: thing() };
    assert_eq!(refused(auth.internal.check_of(&ada.inward, &check).await), code(403, "service_required"));
    assert_eq!(refused(auth.client.check_of(&ada.inward, &check).await), code(404, "path_not_found"));
}
