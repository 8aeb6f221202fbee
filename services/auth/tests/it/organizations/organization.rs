use contract_auth::{NewOrganization, OrganizationChange};
use serde_json::json;

use crate::spawn::{AT_ONCE, Somebody, claims_of, code, refused, spawn, spawn_with};

fn named(name: &str, slug: Option<&str>) -> NewOrganization {
    NewOrganization { name: name.to_owned(), slug: slug.map(str::to_owned), metadata: None }
}

#[actix_web::test]
async fn organisations_are_made_listed_and_changed() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let made = auth.client.create_org(&ada.inward, &named(" Engines ", Some("engines"))).await.unwrap();
    assert_eq!((made.name.as_str(), made.role.as_str(), made.personal), ("Engines", "owner", false));
    let list = auth.client.orgs(&ada.inward, "").await.unwrap().data;
    assert_eq!(list.iter().map(|org| org.personal).collect::<Vec<_>>(), [false, true], "the latest first");
    let first = auth.client.orgs(&ada.inward, "?limit=1").await.unwrap();
    let next = format!("?limit=1&cursor={}", first.next_cursor.unwrap());
    assert_eq!(auth.client.orgs(&ada.inward, &next).await.unwrap().data, list[1..]);
    let metadata = json!({ "colour": "brass" }).as_object().cloned();
    let change = OrganizationChange { name: Some("Works".to_owned()), slug: Some(None), metadata };
    let changed = auth.client.change_org(&ada.inward, made.id, &change).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.slug.clone()), ("Works", None));
    assert_eq!(changed.metadata["colour"], "brass");
    let nothing = OrganizationChange::default();
    let same = auth.client.change_org(&ada.inward, made.id, &nothing).await.unwrap();
    assert_eq!((same.name, same.metadata), (changed.name, changed.metadata), "what is absent stays");
    assert_eq!(auth.client.org(&ada.inward, made.id).await.unwrap().name, "Works");
}

#[actix_web::test]
async fn of_equal_slugs_one_is_taken() {
    let auth = spawn().await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let new = named("Engines", Some("engines"));
    let many = (0..20)
        .map(|turn| auth.client.create_org(if turn % 2 == 0 { &ada.inward } else { &eve.inward }, &new));
    let outcomes = futures_util::future::join_all(many).await;
    let (made, refusals): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for refusal in refusals {
        assert_eq!(refused(refusal), code(409, "slug_taken"));
    }
    let own = auth.org(&eve).await;
    let change =
        OrganizationChange { slug: Some(Some("engines".to_owned())), ..OrganizationChange::default() };
    let change = auth.client.change_org(&eve.inward, own, &change).await;
    if made[0].as_ref().unwrap().id != own {
        assert_eq!(refused(change), code(409, "slug_taken"));
    }
}

#[actix_web::test]
async fn nobody_owns_more_than_the_limit_however_many_they_make_at_once() {
    let auth = spawn_with(&[("AUTH__ORGANIZATIONS__OWNED", "3")]).await;
    let ada = auth.somebody("ada@example.com").await;
    let new = named("Engines", None);
    let many = (0..20).map(|_| auth.client.create_org(&ada.inward, &new));
    let outcomes = futures_util::future::join_all(many).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refused(outcome), code(409, "too_many_organizations"));
    }
}

#[actix_web::test]
async fn a_deleted_organisation_ends_keys_and_tokens_and_its_sessions_go_home() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let member = auth.member(&owner, org, "member").await;
    let switched = auth.client.switch_org(&member.inward, org).await.unwrap();
    let inside = auth.inward(&switched.access_token.unwrap());
    let inside = Somebody { inward: inside, ..member };
    auth.api_key(&inside, &["prefs:read"]).await;
    assert_eq!(refused(auth.client.delete_org(&inside.inward, org).await), code(403, "insufficient_scope"));
    auth.client.delete_org(&owner.inward, org).await.unwrap();
    assert_eq!(refused(auth.client.me(&inside.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.client.me(&owner.inward).await), code(401, "token_revoked"));
    assert_eq!(auth.count("SELECT count(*) FROM api_keys").await, 0);
    let next = auth.client.refresh(&inside.tokens.refresh_token).await.unwrap();
    assert_ne!(claims_of(&next.access_token).org, Some(org), "it goes on at home");
    let next = auth.inward(&next.access_token);
    assert_eq!(refused(auth.client.org(&next, org).await), code(404, "organization_not_found"));
    let told = "SELECT count(*) FROM events WHERE type = 'organization.deleted'";
    assert_eq!(auth.count(told).await, 1);
}

#[actix_web::test]
async fn a_personal_organisation_takes_no_members_and_stays() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let own = claims_of(&ada.inward).org.unwrap();
    let personal = code(409, "organization_personal");
    assert_eq!(refused(auth.client.delete_org(&ada.inward, own).await), personal);
    assert_eq!(refused(auth.client.transfer_org(&ada.inward, own, ada.id()).await), personal);
    let new = contract_auth::NewInvitation { email: "x@example.com".to_owned(), role: "member".to_owned() };
    assert_eq!(refused(auth.client.invite(&ada.inward, own, &new).await), personal);
    assert_eq!(refused(auth.client.leave_org(&ada.inward, own).await), code(409, "owner_must_transfer"));
}

#[actix_web::test]
async fn deletion_and_transfer_want_a_fresh_login() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let member = auth.member(&owner, org, "member").await;
    auth.sql("UPDATE sessions SET created_at = now() - interval '16 minutes', authenticated_at = now() - interval '16 minutes'").await;
    let stale = code(403, "fresh_login_required");
    assert_eq!(refused(auth.client.delete_org(&owner.inward, org).await), stale);
    assert_eq!(refused(auth.client.transfer_org(&owner.inward, org, member.id()).await), stale);
    let back = auth.back(&owner.email).await;
    auth.client.transfer_org(&back.inward, org, member.id()).await.unwrap();
}

#[actix_web::test]
async fn role_and_verified_and_org_id_by_mass_assignment_are_refused() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let org = auth.org(&ada).await;
    let before = auth.count("SELECT count(*) FROM audit_log").await;
    let bodies = [
        ("POST", "/api/v1/orgs".to_owned(), json!({ "name": "x", "owner_id": ada.id() })),
        ("POST", "/api/v1/orgs".to_owned(), json!({ "name": "x", "personal": true })),
        ("POST", "/api/v1/orgs".to_owned(), json!({ "name": "x", "org_id": org })),
        ("PATCH", format!("/api/v1/orgs/{org}"), json!({ "role": "owner" })),
        ("PATCH", format!("/api/v1/orgs/{org}"), json!({ "id": org })),
        (
            "PATCH",
            format!("/api/v1/orgs/{org}/members/{}", ada.id()),
            json!({ "role": "owner", "user_id": ada.id() }),
        ),
        (
            "POST",
            format!("/api/v1/orgs/{org}/invitations"),
            json!({ "email": "x@example.com", "role": "member", "verified": true }),
        ),
        (
            "POST",
            format!("/api/v1/orgs/{org}/invitations"),
            json!({ "email": "x@example.com", "role": "member", "org_id": org }),
        ),
        ("POST", "/api/v1/auth/invitations/accept".to_owned(), json!({ "token": "plt_x", "role": "owner" })),
        ("POST", "/api/v1/auth/switch-org".to_owned(), json!({ "org_id": org, "role": "owner" })),
        ("PATCH", "/api/v1/auth/me".to_owned(), json!({ "verified": true })),
        ("PATCH", "/api/v1/auth/me".to_owned(), json!({ "roles": ["ADMIN"] })),
        (
            "POST",
            "/api/v1/auth/register".to_owned(),
            json!({ "email": "e@example.com", "password": "nine blue foxes dance", "role": "ADMIN" }),
        ),
        (
            "POST",
            "/api/v1/auth/register".to_owned(),
            json!({ "email": "e@example.com", "password": "nine blue foxes dance", "email_verified": true }),
        ),
    ];
    for (method, path, body) in bodies {
        let request = testing::http().request(method.parse().unwrap(), format!("{}{path}", auth.base));
        let reply = request.bearer_auth(ada.inward.expose()).json(&body).send().await.unwrap();
        assert_eq!(reply.status(), 422, "{method} {path} {body}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM audit_log").await, before, "nothing happened");
}

#[actix_web::test]
async fn an_api_key_acts_in_its_own_organisation_alone() {
    let auth = spawn().await;
    let ada = auth.verified("ada@example.com").await;
    let (one, other) = (auth.org(&ada).await, auth.org(&ada).await);
    let switched = auth.client.switch_org(&ada.inward, one).await.unwrap();
    let inside = Somebody { inward: auth.inward(&switched.access_token.unwrap()), ..ada };
    let key = auth.api_key(&inside, &["orgs:read", "orgs:write"]).await.shown.id;
    let mut claims = claims_of(&inside.inward);
    claims.sid = Some(key.to_string());
    claims.sver = 1;
    let by_key = auth.issuer.sign(&claims).into();
    assert_eq!(auth.client.orgs(&by_key, "").await.unwrap().data.len(), 1);
    assert!(auth.client.org(&by_key, one).await.is_ok());
    let change = OrganizationChange { name: Some("x".to_owned()), ..OrganizationChange::default() };
    assert!(auth.client.change_org(&by_key, one, &change).await.is_ok());
    let unknown = code(404, "organization_not_found");
    assert_eq!(refused(auth.client.org(&by_key, other).await), unknown);
    assert_eq!(refused(auth.client.change_org(&by_key, other, &change).await), unknown);
    assert_eq!(refused(auth.client.delete_org(&by_key, one).await), code(403, "session_required"));
    assert_eq!(
        refused(auth.client.create_org(&by_key, &named("x", None)).await),
        code(403, "session_required")
    );
}

#[actix_web::test]
async fn who_owns_an_organisation_with_others_is_not_deleted_and_who_owns_one_alone_takes_it_along() {
    let auth = spawn_with(&[AT_ONCE]).await;
    let owner = auth.verified("owner@example.com").await;
    let shared = auth.org(&owner).await;
    auth.org(&owner).await;
    let member = auth.member(&owner, shared, "member").await;
    assert_eq!(refused(auth.client.delete_me(&owner.inward).await), code(409, "owns_organizations"));
    auth.client.remove_member(&owner.inward, shared, member.id()).await.unwrap();
    let others = auth.verified("host@example.com").await;
    let theirs = auth.org(&others).await;
    let letter = auth.invited(&others, theirs, &owner.email, "member").await;
    auth.client.accept_invitation(&owner.inward, &letter).await.unwrap();
    auth.client.delete_me(&owner.inward).await.unwrap();
    assert_eq!(auth.roles_in(theirs).await, ["owner"]);
    let told = "SELECT count(*) FROM events WHERE type = 'organization.deleted'";
    assert_eq!(auth.count(told).await, 3, "the personal one and two more");
    let told = "SELECT count(*) FROM events WHERE type = 'membership.deleted'";
    assert_eq!(auth.count(told).await, 2);
    assert_eq!(auth.count("SELECT count(*) FROM organizations").await, 3, "of those who are left");
}
