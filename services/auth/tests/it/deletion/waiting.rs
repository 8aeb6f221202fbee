//! What can be done while a deletion waits, and what cannot.

use contract_auth::{ApiKeyChange, Check, CheckOf, Grant, Impersonate, MailKind, NewApiKey, NewOrganization};
use futures_util::future::join;
use service_discovery::Service;

use crate::{
    cookie, export, magic_link, mailbox,
    organizations::thing,
    recovery, second_factor,
    spawn::{Auth, PREFS_SECRET, claims_of, code, refused, spawn},
    user_admin::administrator,
    ws_ticket,
};

const NARROW: &str = "auth:read auth:write";

#[actix_web::test]
async fn every_login_while_it_waits_may_look_and_restore_and_nothing_else() {
    let auth = mailbox::spawn().await;
    administrator(&auth, "root@example.com").await;
    let ada = administrator(&auth, "ada@example.com").await;
    assert!(claims_of(&ada.inward).scope.contains("auth:admin"));
    auth.leave(&ada.inward).await;
    let back = auth.back(&ada.email).await;
    let link = magic_link::wanted(&auth, &ada.email).await;
    let by_mail = auth.client.follow_magic_link(&link).await.unwrap().tokens().unwrap();
    let refreshed = auth.client.refresh(&back.tokens.refresh_token).await.unwrap();
    let browser = cookie::login(&auth, &ada.email).await;
    let by_cookie = cookie::exchange(&auth, &browser.cookie).await.unwrap();
    let ticket = ws_ticket::ticket(&auth, &back.inward).await;
    let by_ticket = ws_ticket::redeem(&auth, &ticket).await.unwrap();
    let all = [&back.tokens.access_token, &by_mail.access_token, &refreshed.access_token];
    for token in all.into_iter().chain([&by_cookie.access_token, &by_ticket.access_token]) {
        let claims = claims_of(token);
        assert_eq!((claims.scope.to_string().as_str(), claims.roles.len()), (NARROW, 0));
    }
    let me = auth.client.me(&auth.inward(&by_mail.access_token)).await.unwrap();
    assert_eq!(me.roles, ["ADMIN", "USER"], "what they had is kept");
}

#[actix_web::test]
async fn a_second_factor_is_still_asked_for() {
    let auth = spawn().await;
    let ada = second_factor::guarded(&auth, "ada@example.com").await;
    let half = second_factor::first_step(&auth, &ada.who.email).await;
    // It was on before this session began, which shows it now.
    auth.sql("UPDATE sessions SET methods = '{pwd,otp,mfa}'").await;
    auth.leave(&ada.who.inward).await;
    let totp = contract_auth::SecondFactorMethod::Totp;
    let late = second_factor::second_step(&auth, &half, totp, &ada.code(0)).await;
    assert_eq!(refused(late), code(401, "one_time_token_invalid"), "half a login ends, too");
    let half = second_factor::first_step(&auth, &ada.who.email).await;
    let tokens = second_factor::second_step(&auth, &half, totp, &ada.code(0)).await.unwrap();
    assert_eq!(claims_of(&tokens.access_token).scope.to_string(), NARROW);
}

#[actix_web::test]
async fn who_leaves_may_take_along_what_is_held_of_them() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving("ada@example.com").await;
    let made = export::ready(&auth, &ada).await;
    let document = auth.client.download_export(&ada.inward, made.id).await.unwrap();
    assert_eq!(document.services["auth"]["account"]["email"], "ada@example.com");
}

#[actix_web::test]
async fn nothing_is_made_that_would_outlive_it_or_widen_what_may_be_done() {
    let auth = spawn().await;
    administrator(&auth, "root@example.com").await;
    let ada = administrator(&auth, "ada@example.com").await;
    let key = auth.api_key(&ada, &["auth:read"]).await.shown.id;
    let host = auth.verified("host@example.com").await;
    let theirs = auth.org(&host).await;
    let letter = auth.invited(&host, theirs, &ada.email, "member").await;
    auth.leave(&ada.inward).await;
    let ada = auth.back(&ada.email).await;
    let traces = auth.traces().await;
    let (client, token) = (&auth.client, &ada.inward);
    let waits = code(409, "deletion_scheduled");
    let new = NewApiKey {
        name: "x".to_owned(),
        scopes: vec!["auth:read".to_owned()],
        expires_at: None,
        rate_limit: None,
    };
    assert_eq!(refused(client.create_api_key(token, &new).await), waits);
    assert_eq!(refused(client.rotate_api_key(token, key, 60).await), waits);
    let longer = ApiKeyChange { expires_at: Some(None), ..ApiKeyChange::default() };
    assert_eq!(refused(client.change_api_key(token, key, &longer).await), waits);
    assert_eq!(refused(client.accept_invitation(token, &letter).await), waits);
    let narrow = code(403, "insufficient_scope");
    let org = NewOrganization { name: "Engines".to_owned(), ..NewOrganization::default() };
    assert_eq!(refused(client.create_org(token, &org).await), narrow);
    assert_eq!(refused(client.orgs(token, "").await), narrow);
    let wish = Impersonate { reason: "x".to_owned(), minutes: None, org_id: None };
    assert_eq!(refused(client.impersonate(token, host.id(), &wish).await), narrow);
    assert_eq!(refused(client.set_roles(token, host.id(), &["ADMIN"]).await), narrow);
    assert_eq!(auth.traces().await, traces, "none of it left a trace");
    client.delete_api_key(token, key).await.unwrap();
}

#[actix_web::test]
async fn a_service_that_asks_hears_that_they_may_do_nothing() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let org_id = claims_of(&ada.inward).org.unwrap();
    let secret = PREFS_SECRET.to_owned().into();
    let own = auth.internal.token(Service::Prefs, &secret, Grant::Own(Service::Auth));
    let own = own.await.unwrap().access_token;
    let (resource, permission) = (thing(), "agents:read".to_owned());
    let check =
        CheckOf { user_id: ada.id(), org_id, permission: permission.clone(), resource: resource.clone() };
    assert!(auth.internal.check_of(&own, &check).await.unwrap().allowed);
    auth.leave(&ada.inward).await;
    assert!(!auth.internal.check_of(&own, &check).await.unwrap().allowed);
    let back = auth.back(&ada.email).await;
    assert!(!auth.client.check(&back.inward, &Check { permission, resource }).await.unwrap().allowed);
}

#[actix_web::test]
async fn an_administrator_who_leaves_impersonates_nobody_any_more() {
    let auth = spawn().await;
    administrator(&auth, "root@example.com").await;
    let ada = administrator(&auth, "ada@example.com").await;
    let eve = auth.somebody("eve@example.com").await;
    let wish = Impersonate { reason: "x".to_owned(), minutes: None, org_id: None };
    let acting = auth.client.impersonate(&ada.inward, eve.id(), &wish).await.unwrap();
    let acting = auth.inward(&acting.access_token);
    assert!(auth.client.me(&acting).await.is_ok());
    auth.leave(&ada.inward).await;
    assert_eq!(refused(auth.client.me(&acting).await), code(401, "token_revoked"));
    assert!(auth.client.me(&eve.inward).await.is_ok(), "her own session goes on");
}

#[actix_web::test]
async fn an_organisation_is_not_handed_to_who_is_leaving() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let heir = auth.member(&owner, org, "admin").await;
    auth.leave(&heir.inward).await;
    let outcome = auth.client.transfer_org(&owner.inward, org, heir.id()).await;
    assert_eq!(refused(outcome), code(409, "member_leaving"));
    assert!(auth.client.me(&owner.inward).await.is_ok(), "a refusal voids nothing");
    let back = auth.back(&heir.email).await;
    auth.client.restore_me(&back.inward).await.unwrap();
    auth.client.transfer_org(&owner.inward, org, heir.id()).await.unwrap();
}

#[actix_web::test]
async fn of_a_transfer_and_the_heirs_wish_to_go_at_once_one_wins() {
    let auth = spawn().await;
    for round in 0..10 {
        let owner = auth.verified(&format!("owner{round}@example.com")).await;
        let org = auth.org(&owner).await;
        let heir = auth.member(&owner, org, "admin").await;
        let handed = auth.client.transfer_org(&owner.inward, org, heir.id());
        let (handed, left) = join(handed, auth.client.delete_me(&heir.inward)).await;
        // A transfer voids the heir's token, so their wish may meet that as well.
        assert!(handed.is_ok() != left.is_ok(), "{round}: {handed:?} {left:?}");
    }
    let stranded = "SELECT count(*) FROM users u JOIN memberships m ON m.user_id = u.id AND m.role = 'owner'
                    WHERE u.delete_at IS NOT NULL
                      AND EXISTS (SELECT FROM memberships n WHERE n.org_id = m.org_id AND n.user_id <> u.id)";
    assert_eq!(auth.count(stranded).await, 0);
}

#[actix_web::test]
async fn an_organisation_whose_owner_is_leaving_takes_nobody_in() {
    let auth = spawn().await;
    let owner = auth.verified("owner@example.com").await;
    let org = auth.org(&owner).await;
    let guest = auth.verified("guest@example.com").await;
    let letter = auth.invited(&owner, org, &guest.email, "member").await;
    auth.leave(&owner.inward).await;
    let outcome = auth.client.accept_invitation(&guest.inward, &letter).await;
    assert_eq!(refused(outcome), code(409, "organization_closing"));
    auth.client.restore_me(&auth.back(&owner.email).await.inward).await.unwrap();
    auth.client.accept_invitation(&guest.inward, &letter).await.unwrap();
}

#[actix_web::test]
async fn of_a_guest_who_joins_and_an_owner_who_leaves_at_once_one_wins() {
    let auth = spawn().await;
    for round in 0..10 {
        let owner = auth.verified(&format!("owner{round}@example.com")).await;
        let org = auth.org(&owner).await;
        let guest = auth.verified(&format!("guest{round}@example.com")).await;
        let letter = auth.invited(&owner, org, &guest.email, "member").await;
        let joined = auth.client.accept_invitation(&guest.inward, &letter);
        let (joined, left) = join(joined, auth.client.delete_me(&owner.inward)).await;
        assert!(joined.is_ok() != left.is_ok(), "{round}: {joined:?} {left:?}");
    }
}

/// Somebody else may have wanted it, who has the password.
#[actix_web::test]
async fn its_owner_comes_back_by_a_forgotten_password() {
    let auth = mailbox::spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.verify(&ada.email).await;
    let thief = auth.back(&ada.email).await;
    auth.leave(&thief.inward).await;
    let thief = auth.back(&ada.email).await;
    let token = recovery::wanted(&auth, &ada.email).await;
    recovery::reset(&auth, &token, "nine blue foxes dance").await.unwrap();
    assert_eq!(refused(auth.client.me(&thief.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.login(&ada.email).await), code(401, "wrong_credentials"));
    let login = contract_auth::Login { email: ada.email.clone(), password: "nine blue foxes dance".into() };
    let tokens = auth.client.login(&login).await.unwrap().tokens().unwrap();
    auth.client.restore_me(&auth.inward(&tokens.access_token)).await.unwrap();
    auth.days_pass().await;
    auth.until(super::DONE, 1).await;
    assert_eq!(auth.left("users", ada.id()).await, 1);
}

#[actix_web::test]
async fn registering_its_address_looks_as_ever() {
    let auth = mailbox::spawn().await;
    let ada = auth.leaving("ada@example.com").await;
    let answer = async |auth: &Auth, email: &str| {
        let body = serde_json::json!({ "email": email, "password": crate::spawn::PASSWORD });
        let request = testing::http().post(format!("{}/api/v1/auth/register", auth.base)).json(&body);
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    };
    assert_eq!(answer(&auth, &ada.email).await, answer(&auth, "nobody@example.com").await);
    assert!(auth.kinds(&ada.email).await.contains(&MailKind::AlreadyRegistered));
    assert!(auth.client.me(&ada.inward).await.unwrap().delete_at.is_some(), "and changes nothing");
}
