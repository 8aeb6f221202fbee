use contract_auth::{AccountChange, Login, Registration};
use serde_json::json;

use crate::spawn::{AT_ONCE, PASSWORD, code, refused, spawn, spawn_with};

#[actix_web::test]
async fn a_stranger_registers_logs_in_and_reads_their_account() {
    let auth = spawn().await;
    let ada = auth.somebody("Ada@Example.com").await;
    let me = auth.client.me(&ada.inward).await.unwrap();
    assert_eq!(
        (me.email.as_str(), me.email_verified, me.roles.as_slice()),
        ("ada@example.com", false, &["USER".to_owned()][..])
    );
    let personal = "SELECT count(*) FROM organizations o JOIN memberships m ON m.org_id = o.id
                    WHERE o.personal_of = m.user_id AND m.role = 'owner'";
    assert_eq!(auth.count(personal).await, 1);
}

#[actix_web::test]
async fn registering_again_looks_the_same_and_changes_nothing() {
    let auth = spawn().await;
    auth.register("ada@example.com").await;
    let http = testing::http();
    let body = |password: &str| json!({ "email": "ADA@example.com", "password": password });
    let url = format!("{}/api/v1/auth/register", auth.base);
    let again = http.post(&url).json(&body("another good password")).send().await.unwrap();
    let fresh = json!({ "email": "eve@example.com", "password": "another good password" });
    let fresh = http.post(&url).json(&fresh).send().await.unwrap();
    assert_eq!((again.status(), fresh.status()), (202.try_into().unwrap(), 202.try_into().unwrap()));
    assert_eq!(again.text().await.unwrap(), fresh.text().await.unwrap());
    assert_eq!(auth.count("SELECT count(*) FROM users").await, 2);
    assert_eq!(auth.count("SELECT count(*) FROM organizations").await, 2);
    let noted = "SELECT count(*) FROM users WHERE reregistered_at IS NOT NULL AND email = 'ada@example.com'";
    assert_eq!(auth.count(noted).await, 1, "both answers cost a write");
    assert!(auth.login("ada@example.com").await.is_ok(), "the old password still holds");
    let login = Login { email: "ada@example.com".to_owned(), password: "another good password".into() };
    assert_eq!(refused(auth.client.login(&login).await), code(401, "wrong_credentials"));
}

#[actix_web::test]
async fn fifty_registrations_of_one_address_make_one_account() {
    let auth = spawn().await;
    let many = (0..50).map(|_| auth.register("ada@example.com"));
    futures_util::future::join_all(many).await;
    assert_eq!(auth.count("SELECT count(*) FROM users").await, 1);
    assert_eq!(auth.count("SELECT count(*) FROM organizations").await, 1);
}

#[actix_web::test]
async fn a_bad_registration_names_every_fault_and_makes_nothing() {
    let auth = spawn().await;
    let bad = [
        ("ada＠example.com", PASSWORD),
        ("ada@example.com", "short"),
        ("ada@example.com", "passwordpassword"),
    ];
    for (email, password) in bad {
        let bad = Registration { email: email.to_owned(), password: password.into(), name: None };
        assert_eq!(
            refused(auth.client.register(&bad).await),
            code(422, "invalid_fields"),
            "{email} {password}"
        );
    }
    assert_eq!(auth.count("SELECT count(*) FROM users").await, 0);
}

#[actix_web::test]
async fn nobody_gives_themselves_a_role_or_a_verified_address() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let http = testing::http();
    for (name, value) in [
        ("role", json!("ADMIN")),
        ("roles", json!(["ADMIN"])),
        ("email_verified", json!(true)),
        ("id", json!("x")),
    ] {
        let mut registration = json!({ "email": "eve@example.com", "password": PASSWORD });
        registration[name] = value.clone();
        let url = format!("{}/api/v1/auth/register", auth.base);
        let reply = http.post(url).json(&registration).send().await.unwrap();
        assert_eq!(reply.status(), 422, "{name}");
        let url = format!("{}/api/v1/auth/me", auth.base);
        let reply = http.patch(url).bearer_auth(ada.inward.expose()).json(&json!({ name: value })).send();
        assert_eq!(reply.await.unwrap().status(), 422, "{name}");
    }
    assert_eq!(auth.count("SELECT count(*) FROM users WHERE email_verified_at IS NOT NULL").await, 0);
    assert_eq!(auth.count("SELECT count(*) FROM user_roles WHERE role <> 'USER'").await, 0);
    assert_eq!(auth.count("SELECT count(*) FROM users").await, 1);
}

#[actix_web::test]
async fn a_change_leaves_what_is_absent_and_clears_what_is_null() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    let some = |text: &str| Some(Some(text.to_owned()));
    let metadata = json!({ "plan": { "seats": 3 } }).as_object().cloned();
    let change = AccountChange {
        name: some("Ada"),
        locale: some("en-GB"),
        metadata: metadata.clone(),
        ..AccountChange::default()
    };
    auth.client.change_me(&ada.inward, &change).await.unwrap();
    let change =
        AccountChange { locale: Some(None), time_zone: some("Europe/London"), ..AccountChange::default() };
    let me = auth.client.change_me(&ada.inward, &change).await.unwrap();
    assert_eq!(
        (me.name.as_deref(), me.locale, me.time_zone.as_deref()),
        (Some("Ada"), None, Some("Europe/London"))
    );
    assert_eq!(Some(me.metadata), metadata);
}

#[actix_web::test]
async fn a_deleted_account_leaves_nothing_and_its_tokens_open_nothing() {
    let auth = spawn_with(&[AT_ONCE]).await;
    let ada = auth.somebody("ada@example.com").await;
    auth.api_key(&ada, &["auth:read"]).await;
    auth.client.delete_me(&ada.inward).await.unwrap();
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.client.refresh(&ada.tokens.refresh_token).await), code(401, "session_ended"));
    assert_eq!(refused(auth.login("ada@example.com").await), code(401, "wrong_credentials"));
    for table in ["users", "organizations", "memberships", "sessions", "api_keys", "user_roles"] {
        assert_eq!(auth.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[actix_web::test]
async fn a_deletion_wants_a_fresh_login() {
    let auth = spawn().await;
    let ada = auth.somebody("ada@example.com").await;
    auth.sql("UPDATE sessions SET authenticated_at = authenticated_at - interval '16 minutes'").await;
    assert_eq!(refused(auth.client.delete_me(&ada.inward).await), code(403, "fresh_login_required"));
    assert_eq!(auth.count("SELECT count(*) FROM users").await, 1);
}

#[actix_web::test]
async fn where_addresses_must_be_verified_nobody_logs_in_before() {
    let auth = spawn_with(&[("AUTH__LOGIN__REQUIRES_VERIFIED_EMAIL", "true")]).await;
    auth.register("ada@example.com").await;
    assert_eq!(refused(auth.login("ada@example.com").await), code(403, "email_unverified"));
    assert_eq!(auth.count("SELECT count(*) FROM sessions").await, 0, "a refused login leaves no session");
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    assert!(auth.login("ada@example.com").await.is_ok());
}
