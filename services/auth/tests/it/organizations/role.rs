use contract_auth::{RoleDefinition, RoleKind};

use super::role;
use crate::spawn::{claims_of, code, refused, spawn};

fn platform(scopes: &[&str]) -> RoleDefinition {
    RoleDefinition { kind: RoleKind::Platform, ..role(scopes) }
}

#[actix_web::test]
async fn a_changed_role_voids_the_tokens_of_all_who_hold_it_and_of_nobody_else() {
    let auth = spawn().await;
    let root = auth.admin().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let (one, other) = (auth.member(&owner, org, "viewer").await, auth.member(&owner, org, "viewer").await);
    let member = auth.member(&owner, org, "member").await;
    let before = auth.count("SELECT count(*) FROM revocations").await;
    let wider = role(&["auth:read", "auth:write", "orgs:read", "agents:write"]);
    let changed = auth.client.define_role(&root, "viewer", &wider).await.unwrap();
    assert!(changed.built_in && changed.scopes.contains(&"agents:write".to_owned()));
    assert_eq!(auth.count("SELECT count(*) FROM revocations").await, before + 2);
    for voided in [&one.inward, &other.inward] {
        assert_eq!(refused(auth.client.me(voided).await), code(401, "token_revoked"));
    }
    for kept in [&owner.inward, &member.inward, &root] {
        assert_ne!(refused_or_ok(auth.client.me(kept).await), "token_revoked");
    }
    let one = auth.back(&one.email).await;
    let token = auth.client.switch_org(&one.inward, org).await.unwrap().access_token.unwrap();
    assert_eq!(claims_of(&token).scope.to_string(), "agents:write auth:read auth:write orgs:read");
    let described = RoleDefinition { description: "Anew.".to_owned(), ..wider };
    auth.client.define_role(&root, "viewer", &described).await.unwrap();
    assert_eq!(auth.count("SELECT count(*) FROM revocations").await, before + 2 + 1, "the switch alone");
}

fn refused_or_ok<T: std::fmt::Debug>(outcome: Result<T, service_discovery::CallError>) -> String {
    if outcome.is_ok() { "ok".to_owned() } else { refused(outcome).1 }
}

#[actix_web::test]
async fn roles_of_the_platform_are_made_held_and_deleted_at_run_time() {
    let auth = spawn().await;
    let (root, ada) = (auth.admin().await, auth.verified("ada@example.com").await);
    auth.client.define_role(&root, "SUPPORT", &platform(&["jobs:admin", "email:write"])).await.unwrap();
    auth.client.set_roles(&root, ada.id(), &["SUPPORT"]).await.unwrap();
    let scopes = claims_of(&auth.back(&ada.email).await.inward).scope;
    assert!(scopes.contains("jobs:admin") && scopes.contains("email:write"));
    assert_eq!(refused(auth.client.delete_role(&root, "SUPPORT").await), code(409, "role_held"));
    let ada = auth.back(&ada.email).await;
    auth.client.define_role(&root, "SUPPORT", &platform(&["email:write"])).await.unwrap();
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert!(!claims_of(&next.access_token).scope.contains("jobs:admin"));
    auth.client.set_roles(&root, ada.id(), &[]).await.unwrap();
    auth.client.delete_role(&root, "SUPPORT").await.unwrap();
    assert_eq!(refused(auth.client.delete_role(&root, "SUPPORT").await), code(404, "role_not_found"));
    let gone = auth.client.set_roles(&root, ada.id(), &["SUPPORT"]).await;
    assert_eq!(refused(gone), code(422, "invalid_fields"));
}

#[actix_web::test]
async fn plinths_own_roles_stay_and_lock_nobody_out() {
    let auth = spawn().await;
    let root = auth.admin().await;
    for name in ["ADMIN", "USER", "RESELLER", "owner", "admin", "member", "viewer"] {
        assert_eq!(refused(auth.client.delete_role(&root, name).await), code(409, "role_built_in"), "{name}");
    }
    let invalid = code(422, "invalid_fields");
    for (name, definition) in [
        ("ADMIN", platform(&["prefs:admin"])),
        ("USER", platform(&["prefs:read"])),
        ("owner", role(&["orgs:read"])),
        ("member", role(&["auth:admin"])),
        ("clerk", role(&["no:such"])),
        ("clerk", platform(&["orgs:read"])),
        ("clerk", RoleDefinition { description: String::new(), ..role(&[]) }),
    ] {
        assert_eq!(refused(auth.client.define_role(&root, name, &definition).await), invalid, "{name}");
    }
    assert_eq!(auth.client.roles(&root).await.unwrap().data.len(), 7, "nothing was made");
    let odd = auth.client.define_role(&root, "Clerk", &role(&[])).await;
    assert_eq!(refused(odd), code(404, "role_not_found"));
}

#[actix_web::test]
async fn members_get_no_role_of_the_platform_and_users_none_of_organisations() {
    let auth = spawn().await;
    let (root, ada) = (auth.admin().await, auth.verified("ada@example.com").await);
    for name in ["owner", "admin", "viewer"] {
        let refusal = auth.client.set_roles(&root, ada.id(), &[name]).await;
        assert_eq!(refused(refusal), code(422, "invalid_fields"), "{name}");
    }
}

#[actix_web::test]
async fn owners_and_admins_lack_no_scope_that_an_organisation_can_give() {
    let auth = spawn().await;
    let root = auth.admin().await;
    let all: Vec<String> = auth
        .client
        .permissions(&root)
        .await
        .unwrap()
        .data
        .into_iter()
        .map(|permission| permission.scope)
        .filter(|scope| !scope.ends_with(":admin"))
        .collect();
    let roles = auth.client.roles(&root).await.unwrap().data;
    assert!(roles.is_sorted_by(|one, other| one.name < other.name));
    for name in ["owner", "admin"] {
        let role = roles.iter().find(|role| role.name == name).unwrap();
        assert_eq!(role.scopes, all, "{name}: a migration that adds a scope gives it to both");
    }
}

/// Whatever their role in the organisation that their token is for permits.
#[actix_web::test]
async fn whose_role_does_not_look_at_members_does_not_by_a_token_for_another_organisation() {
    let auth = spawn().await;
    let root = auth.admin().await;
    auth.client.define_role(&root, "guest", &role(&["auth:read", "auth:write", "prefs:read"])).await.unwrap();
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let guest = auth.member(&owner, org, "guest").await;
    let outcome = auth.client.members(&guest.inward, org, "").await;
    assert_eq!(refused(outcome), code(403, "role_insufficient"));
    let guests = auth.client.orgs(&guest.inward, "").await.unwrap().data;
    assert!(
        guests.iter().any(|known| known.id == org && known.role == "guest"),
        "they know that it is there"
    );
}
