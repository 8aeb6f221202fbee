use contract_auth::{Exchange, Grant, Level};
use service_discovery::Service;

use super::{role, thing};
use crate::spawn::{Somebody, claims_of, code, gateway_secret, refused, spawn, spawn_with};

#[actix_web::test]
async fn the_next_tokens_of_a_member_hold_what_their_role_permits() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    for (role, may, may_not) in [
        ("admin", "orgs:write payments:write webhooks:write", "auth:admin"),
        ("member", "orgs:read webhooks:write prefs:write", "orgs:write payments:write licenses:write"),
        ("viewer", "orgs:read webhooks:read prefs:write auth:write", "webhooks:write flags:write orgs:write"),
    ] {
        let somebody = auth.member(&owner, org, role).await;
        let own = claims_of(&somebody.inward).scope;
        assert!(own.contains("orgs:write") && own.contains("payments:write"), "at home they own");
        let token = auth.client.switch_org(&somebody.inward, org).await.unwrap().access_token.unwrap();
        let scopes = claims_of(&token).scope;
        for scope in may.split(' ') {
            assert!(scopes.contains(scope), "{role} has {scope}");
        }
        for scope in may_not.split(' ') {
            assert!(!scopes.contains(scope), "{role} has no {scope}");
        }
        let next = auth.client.refresh(&somebody.tokens.refresh_token).await.unwrap();
        assert_eq!(claims_of(&next.access_token).org, Some(org), "a refresh stays in the organisation");
        assert_eq!(claims_of(&next.access_token).scope, scopes);
    }
}

#[actix_web::test]
async fn an_administrator_of_the_platform_keeps_what_administers_in_any_role() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let viewer = auth.member(&owner, org, "viewer").await;
    auth.client.set_roles(&auth.admin().await, viewer.id(), &["ADMIN"]).await.unwrap();
    let viewer = auth.back(&viewer.email).await;
    let token = auth.client.switch_org(&viewer.inward, org).await.unwrap().access_token.unwrap();
    let scopes = claims_of(&token).scope;
    assert!(
        scopes.contains("auth:admin") && scopes.contains("prefs:admin") && !scopes.contains("orgs:write")
    );
}

#[actix_web::test]
async fn a_switch_voids_the_tokens_of_before_and_no_other_session() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let phone = auth.back(&owner.email).await;
    let org = auth.org(&owner).await;
    let switched = auth.client.switch_org(&owner.inward, org).await.unwrap();
    assert_eq!((switched.org_id, switched.expires_in), (org, Some(300)));
    assert_eq!(refused(auth.client.me(&owner.inward).await), code(401, "token_revoked"));
    let inside = auth.inward(&switched.access_token.unwrap());
    assert_eq!(auth.client.me(&inside).await.unwrap().org_id, org);
    assert!(auth.client.me(&phone.inward).await.is_ok(), "another session goes on");
    let home = claims_of(&owner.inward).org.unwrap();
    let back = auth.client.switch_org(&inside, home).await.unwrap().access_token.unwrap();
    assert_eq!(auth.client.me(&auth.inward(&back)).await.unwrap().org_id, home);
    let strange = auth.org(&auth.verified("eve@example.com").await).await;
    let refusal = refused(auth.client.switch_org(&phone.inward, strange).await);
    assert_eq!(refusal, code(404, "organization_not_found"));
    assert!(auth.client.me(&phone.inward).await.is_ok(), "a refused switch voids nothing");
}

#[actix_web::test]
async fn a_changed_role_voids_tokens_and_the_same_role_again_voids_nothing() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let member = auth.member(&owner, org, "member").await;
    let same = auth.client.change_member(&owner.inward, org, member.id(), "member").await.unwrap();
    assert_eq!((same.role.as_str(), same.email.as_deref()), ("member", Some(member.email.as_str())));
    assert!(auth.client.me(&member.inward).await.is_ok());
    let changed = auth.client.change_member(&owner.inward, org, member.id(), "viewer").await.unwrap();
    assert_eq!(changed.role, "viewer");
    assert_eq!(refused(auth.client.me(&member.inward).await), code(401, "token_revoked"));
    let next = auth.client.refresh(&member.tokens.refresh_token).await;
    assert!(next.is_ok(), "a refresh brings the new rights");
    let unknown = auth.client.change_member(&owner.inward, org, member.id(), "king").await;
    assert_eq!(refused(unknown), code(422, "invalid_fields"));
    let platform = auth.client.change_member(&owner.inward, org, member.id(), "ADMIN").await;
    assert_eq!(refused(platform), code(422, "invalid_fields"), "a role of the platform is none here");
    let nobody = auth.client.change_member(&owner.inward, org, ids::UserId::generate(), "viewer").await;
    assert_eq!(refused(nobody), code(404, "member_not_found"));
}

#[actix_web::test]
async fn who_goes_loses_tokens_keys_invitations_and_leaves_and_their_sessions_go_home() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    for removed in [true, false] {
        let admin = auth.member(&owner, org, "admin").await;
        let switched = auth.client.switch_org(&admin.inward, org).await.unwrap();
        let admin = Somebody { inward: auth.inward(&switched.access_token.unwrap()), ..admin };
        let key = auth.api_key(&admin, &["prefs:read", "orgs:read"]).await.key;
        let letter = auth.invited(&admin, org, "guest@example.com", "viewer").await;
        auth.client.permit_resource(&owner.inward, org, &thing(), admin.id(), Level::Read).await.unwrap();
        match removed {
            true => auth.client.remove_member(&owner.inward, org, admin.id()).await.unwrap(),
            false => auth.client.leave_org(&admin.inward, org).await.unwrap(),
        }
        assert_eq!(refused(auth.client.me(&admin.inward).await), code(401, "token_revoked"));
        let exchange = Grant::Exchange(Exchange::ApiKey(key));
        let exchange = auth.internal.token(Service::Gateway, &gateway_secret(), exchange).await;
        assert_eq!(refused(exchange), code(400, "invalid_grant"));
        for table in ["api_keys", "invitations", "resource_permissions"] {
            assert_eq!(auth.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
        let guest = auth.verified(&format!("guest{removed}@example.com")).await;
        let late = auth.client.accept_invitation(&guest.inward, &letter).await;
        assert_eq!(refused(late), code(401, "one_time_token_invalid"));
        let next = auth.client.refresh(&admin.tokens.refresh_token).await.unwrap();
        assert_ne!(claims_of(&next.access_token).org, Some(org), "the session goes on at home");
        let next = auth.inward(&next.access_token);
        assert_eq!(refused(auth.client.switch_org(&next, org).await), code(404, "organization_not_found"));
    }
    assert_eq!(auth.roles_in(org).await, ["owner"]);
}

#[actix_web::test]
async fn a_transfer_makes_the_other_one_owner_and_the_first_an_admin() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let member = auth.member(&owner, org, "member").await;
    auth.client.transfer_org(&owner.inward, org, owner.id()).await.unwrap();
    assert!(auth.client.me(&owner.inward).await.is_ok(), "to oneself: nothing");
    let stranger = auth.verified("eve@example.com").await;
    let unknown = auth.client.transfer_org(&owner.inward, org, stranger.id()).await;
    assert_eq!(refused(unknown), code(404, "member_not_found"));
    auth.client.ban(&auth.admin().await, member.id(), "a test").await.unwrap();
    let banned = auth.client.transfer_org(&owner.inward, org, member.id()).await;
    assert_eq!(refused(banned), code(409, "member_suspended"));
    auth.client.unban(&auth.admin().await, member.id()).await.unwrap();
    auth.client.transfer_org(&owner.inward, org, member.id()).await.unwrap();
    for voided in [&owner.inward, &member.inward] {
        assert_eq!(refused(auth.client.me(voided).await), code(401, "token_revoked"));
    }
    assert_eq!(auth.roles_in(org).await, ["admin", "owner"]);
    let (owner, member) = (auth.back(&owner.email).await, auth.back(&member.email).await);
    assert_eq!(auth.client.org(&member.inward, org).await.unwrap().role, "owner");
    let again = auth.client.transfer_org(&owner.inward, org, owner.id()).await;
    assert_eq!(refused(again), code(403, "role_insufficient"));
}

#[actix_web::test]
async fn addresses_of_members_are_shown_to_those_who_manage() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let member = auth.member(&owner, org, "member").await;
    let seen = auth.client.members(&owner.inward, org, "").await.unwrap().data;
    assert!(seen.len() == 2 && seen.iter().all(|member| member.email.is_some()));
    let seen = auth.client.members(&member.inward, org, "").await.unwrap().data;
    for other in &seen {
        assert_eq!(other.email.is_some(), other.user_id == member.id(), "only their own");
    }
    let first = auth.client.members(&owner.inward, org, "?limit=1").await.unwrap();
    let rest = format!("?limit=1&cursor={}", first.next_cursor.unwrap());
    let rest = auth.client.members(&owner.inward, org, &rest).await.unwrap();
    assert_eq!((rest.data[0].user_id, rest.next_cursor), (seen[1].user_id, None));
}

#[actix_web::test]
async fn a_custom_role_is_given_as_far_as_the_givers_own_goes() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let (org, root) = (auth.org(&owner).await, auth.admin().await);
    let (admin, member) = (auth.member(&owner, org, "admin").await, auth.member(&owner, org, "member").await);
    auth.client
        .define_role(&root, "clerk", &role(&["auth:read", "auth:write", "payments:write"]))
        .await
        .unwrap();
    auth.client.change_member(&admin.inward, org, member.id(), "clerk").await.unwrap();
    let clerk = auth.back(&member.email).await;
    let token = auth.client.switch_org(&clerk.inward, org).await.unwrap().access_token.unwrap();
    assert_eq!(claims_of(&token).scope.to_string(), "auth:read auth:write payments:write");
    auth.client
        .define_role(&root, "admin", &role(&["auth:read", "auth:write", "orgs:read", "orgs:write"]))
        .await
        .unwrap();
    let admin = auth.back(&admin.email).await;
    let other = auth.member(&owner, org, "viewer").await;
    let beyond = auth.client.change_member(&admin.inward, org, other.id(), "clerk").await;
    assert_eq!(refused(beyond), code(403, "member_not_below"), "it goes further than the admin's own now");
    let beyond = auth.client.remove_member(&admin.inward, org, member.id()).await;
    assert_eq!(refused(beyond), code(403, "member_not_below"));
}

/// Or two accounts together own as many as they like.
#[actix_web::test]
async fn nobody_comes_to_own_more_by_a_transfer_than_they_may_make() {
    let auth = spawn_with(&[("AUTH__ORGANIZATIONS__OWNED", "1")]).await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let heir = auth.member(&owner, org, "admin").await;
    let own = auth.org(&heir).await;
    let outcome = auth.client.transfer_org(&owner.inward, org, heir.id()).await;
    assert_eq!(refused(outcome), code(409, "too_many_organizations"));
    assert_eq!(auth.roles_in(org).await, ["admin", "owner"]);
    auth.client.delete_org(&heir.inward, own).await.unwrap();
    auth.client.transfer_org(&owner.inward, org, heir.id()).await.unwrap();
}
