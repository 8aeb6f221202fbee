//! Users as those who administer find, change and end them.

use contract_auth::{Secret, UserChange, UserQuery};
use futures_util::future::join;
use serde_json::json;
use service_kit::db::Connector;

use crate::spawn::{Auth, Somebody, claims_of, code, refused, spawn};

/// Everything about users that is audited, once.
pub(crate) async fn live(auth: &Auth) {
    let (admin, ida) = (auth.admin().await, auth.somebody("ida@example.com").await);
    let change = UserChange { email_verified: Some(true), ..UserChange::default() };
    auth.client.change_user(&admin, ida.id(), &change).await.unwrap();
    auth.client.sign_out(&admin, ida.id()).await.unwrap();
    auth.client.delete_user(&admin, ida.id()).await.unwrap();
}

/// An administrator in deed: with the role, and a login that gives its rights.
pub(crate) async fn administrator(auth: &Auth, email: &str) -> Somebody {
    auth.register(email).await;
    let mut operator = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    auth::admin::verify(&mut operator, email).await.unwrap();
    auth::admin::grant(&mut operator, email, "ADMIN").await.unwrap();
    let tokens = auth.login(email).await.unwrap();
    let inward = auth.inward(&tokens.access_token);
    Somebody { email: email.to_owned(), tokens, inward }
}

async fn found(auth: &Auth, admin: &Secret, query: UserQuery) -> Vec<String> {
    let mut emails: Vec<_> =
        auth.client.users(admin, &query).await.unwrap().data.into_iter().map(|user| user.email).collect();
    emails.retain(|email| !email.starts_with("admin-"));
    emails
}

#[actix_web::test]
async fn users_are_found_by_every_filter() {
    let auth = spawn().await;
    let admin = auth.admin().await;
    for email in ["ada@example.com", "a_a@example.com", "eve@example.com"] {
        auth.register(email).await;
    }
    auth.sql("UPDATE users SET email_verified_at = now() WHERE email = 'ada@example.com'").await;
    auth.sql("UPDATE users SET banned_at = now(), banned_why = 'spam' WHERE email = 'eve@example.com'").await;
    auth.sql("UPDATE users SET created_at = now() - interval '2 days' WHERE email = 'a_a@example.com'").await;
    let all = || UserQuery::default();
    let some = |text: &str| Some(text.to_owned());
    let yesterday = Some(ids::Timestamp::now() - std::time::Duration::from_secs(86_400));
    for (query, wanted) in [
        (all(), &["eve@example.com", "a_a@example.com", "ada@example.com"][..]),
        (UserQuery { email: some("AD"), ..all() }, &["ada@example.com"]),
        (UserQuery { email: some("a_"), ..all() }, &["a_a@example.com"]),
        (UserQuery { email: some("%"), ..all() }, &[]),
        (UserQuery { role: some("USER"), email: some("e"), ..all() }, &["eve@example.com"]),
        (UserQuery { role: some("KING"), ..all() }, &[]),
        (UserQuery { banned: Some(true), ..all() }, &["eve@example.com"]),
        (UserQuery { banned: Some(false), ..all() }, &["a_a@example.com", "ada@example.com"]),
        (UserQuery { verified: Some(true), ..all() }, &["ada@example.com"]),
        (UserQuery { verified: Some(false), ..all() }, &["eve@example.com", "a_a@example.com"]),
        (UserQuery { created_after: yesterday, ..all() }, &["eve@example.com", "ada@example.com"]),
        (UserQuery { created_before: yesterday, ..all() }, &["a_a@example.com"]),
    ] {
        assert_eq!(found(&auth, &admin, query.clone()).await, wanted, "{query:?}");
    }
    let banned = auth.client.users(&admin, &UserQuery { banned: Some(true), ..all() }).await.unwrap();
    let eve = &banned.data[0];
    assert_eq!((eve.ban_reason.as_deref(), eve.roles.as_slice()), (Some("spam"), &["USER".to_owned()][..]));
    let admins = auth.client.users(&admin, &UserQuery { role: some("ADMIN"), ..all() }).await.unwrap();
    assert_eq!(admins.data.len(), 1);
}

#[actix_web::test]
async fn users_come_in_pages_that_stay_while_others_arrive() {
    let auth = spawn().await;
    let admin = auth.admin().await;
    for turn in 0..5 {
        auth.register(&format!("ada{turn}@example.com")).await;
    }
    let mut query = UserQuery { email: Some("ada".to_owned()), limit: Some(2), ..UserQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = auth.client.users(&admin, &query).await.unwrap();
        assert!(page.data.len() <= 2);
        seen.extend(page.data.into_iter().map(|user| user.email));
        auth.register(&format!("ada-later-{}@example.com", seen.len())).await;
        let Some(cursor) = page.next_cursor else { break };
        query.cursor = Some(cursor);
    }
    assert_eq!(seen, [4, 3, 2, 1, 0].map(|turn| format!("ada{turn}@example.com")));
    let url = format!("{}/api/v1/admin/users", auth.base);
    for bad in ["?limit=0", "?limit=101", "?banned=perhaps", "?created_after=now", "?name=x", "?cursor=AAAA"]
    {
        let reply = testing::http().get(format!("{url}{bad}")).bearer_auth(admin.expose()).send();
        assert_eq!(reply.await.unwrap().status(), 400, "{bad}");
    }
}

#[actix_web::test]
async fn who_administers_sees_all_about_a_user_and_no_secret() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    auth.login("ada@example.com").await.unwrap();
    auth.api_key(&ada, &["auth:read"]).await;
    let about = auth.client.user(&admin, ada.id()).await.unwrap();
    assert_eq!((about.sessions, about.api_keys, about.user.email.as_str()), (2, 1, "ada@example.com"));
    assert!(about.last_seen_at.is_some());
    let [personal] = &about.organizations[..] else { panic!("{:?}", about.organizations) };
    assert_eq!((personal.role.as_str(), personal.personal), ("owner", true));
    let shown = serde_json::to_string(&about).unwrap();
    assert!(!shown.contains("argon2") && !shown.contains("plk_"), "{shown}");
    let nobody = auth.client.user(&admin, ids::UserId::generate()).await;
    assert_eq!(refused(nobody), code(404, "user_not_found"));
}

#[actix_web::test]
async fn only_who_administers_writes_app_metadata_and_its_owner_reads_it() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    let kept = json!({ "plan": "gold", "seats": 3 }).as_object().cloned();
    let change =
        UserChange { app_metadata: kept.clone(), name: Some(Some(" Ada ".to_owned())), ..Default::default() };
    let changed = auth.client.change_user(&admin, ada.id(), &change).await.unwrap();
    assert_eq!((Some(changed.app_metadata), changed.user.name.as_deref()), (kept.clone(), Some("Ada")));
    assert_eq!(Some(auth.client.me(&ada.inward).await.unwrap().app_metadata), kept);
    let url = format!("{}/api/v1/auth/me", auth.base);
    let forged = json!({ "app_metadata": { "plan": "platinum" } });
    let by_ada = testing::http().patch(url).bearer_auth(ada.inward.expose()).json(&forged).send();
    assert_eq!(by_ada.await.unwrap().status(), 422);
    assert_eq!(Some(auth.client.me(&ada.inward).await.unwrap().app_metadata), kept);
    let large = json!({ "x": "y".repeat(17_000) }).as_object().cloned();
    let bad =
        UserChange { app_metadata: large, name: Some(Some("\u{7}".to_owned())), ..UserChange::default() };
    let outcome = auth.client.change_user(&admin, ada.id(), &bad).await;
    assert_eq!(refused(outcome), code(422, "invalid_fields"));
    let nobody = auth.client.change_user(&admin, ids::UserId::generate(), &UserChange::default()).await;
    assert_eq!(refused(nobody), code(404, "user_not_found"));
}

#[actix_web::test]
async fn whether_an_address_is_verified_decides_and_voids_tokens() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    assert!(!claims_of(&ada.inward).scope.contains("payments:write"));
    let verified = |verified| UserChange { email_verified: Some(verified), ..UserChange::default() };
    auth.client.change_user(&admin, ada.id(), &verified(true)).await.unwrap();
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    let next = auth.client.refresh(&ada.tokens.refresh_token).await.unwrap();
    assert!(claims_of(&next.access_token).scope.contains("payments:write"));
    let inward = auth.inward(&next.access_token);
    auth.client.change_user(&admin, ada.id(), &verified(true)).await.unwrap();
    assert!(auth.client.me(&inward).await.is_ok(), "what is so already voids nothing");
    auth.client.change_user(&admin, ada.id(), &verified(false)).await.unwrap();
    assert_eq!(refused(auth.client.me(&inward).await), code(401, "token_revoked"));
}

#[actix_web::test]
async fn a_sign_out_ends_every_session_and_neither_password_nor_keys() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    let phone = auth.login("ada@example.com").await.unwrap();
    let key = auth.api_key(&ada, &["auth:read"]).await.key;
    let ticket = "INSERT INTO one_time_tokens (id, purpose, user_id, created_at, expires_at)
                  SELECT gen_random_uuid(), 'magic-link', id, now(), now() + interval '1 hour' FROM users";
    auth.sql(ticket).await;
    auth.client.sign_out(&admin, ada.id()).await.unwrap();
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    for refresh in [&ada.tokens.refresh_token, &phone.refresh_token] {
        assert_eq!(refused(auth.client.refresh(refresh).await), code(401, "session_ended"));
    }
    let of_ada = format!("SELECT count(*) FROM one_time_tokens WHERE user_id = '{}'", ada.id().uuid());
    assert_eq!(auth.count(&of_ada).await, 0);
    assert!(crate::api_key_secret::exchange(&auth, &key).await.is_ok());
    assert!(auth.login("ada@example.com").await.is_ok());
    let nobody = auth.client.sign_out(&admin, ids::UserId::generate()).await;
    assert_eq!(refused(nobody), code(404, "user_not_found"));
}

#[actix_web::test]
async fn a_user_whom_an_administrator_deletes_is_gone_with_all_tokens() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    let key = auth.api_key(&ada, &["auth:read"]).await.key;
    auth.client.delete_user(&admin, ada.id()).await.unwrap();
    assert_eq!(refused(auth.client.me(&ada.inward).await), code(401, "token_revoked"));
    assert_eq!(refused(auth.client.refresh(&ada.tokens.refresh_token).await), code(401, "session_ended"));
    let exchanged = crate::api_key_secret::exchange(&auth, &key).await;
    assert_eq!(refused(exchanged), code(400, "invalid_grant"));
    assert_eq!(refused(auth.login("ada@example.com").await), code(401, "wrong_credentials"));
    assert_eq!(auth.count("SELECT count(*) FROM events WHERE type = 'user.deleted'").await, 1);
    assert_eq!(refused(auth.client.delete_user(&admin, ada.id()).await), code(404, "user_not_found"));
    let oneself = claims_of(&admin).sub.parse().unwrap();
    assert_eq!(refused(auth.client.delete_user(&admin, oneself).await), code(403, "own_account"));
}

#[actix_web::test]
async fn the_last_administrator_is_neither_banned_demoted_unverified_nor_deleted() {
    let auth = spawn().await;
    let root = administrator(&auth, "root@example.com").await;
    // It holds the scope by a token alone: nobody else administers.
    let eve = auth.somebody("eve@example.com").await;
    let scope = "auth:admin".parse().unwrap();
    let by_eve: Secret = auth.issuer.sign(&identity::Claims { scope, ..claims_of(&eve.inward) }).into();
    let last = || code(409, "last_administrator");
    let unverify = UserChange { email_verified: Some(false), ..UserChange::default() };
    assert_eq!(refused(auth.client.ban(&by_eve, root.id(), "x").await), last());
    assert_eq!(refused(auth.client.set_roles(&by_eve, root.id(), &[]).await), last());
    assert_eq!(refused(auth.client.change_user(&by_eve, root.id(), &unverify).await), last());
    assert_eq!(refused(auth.client.delete_user(&by_eve, root.id()).await), last());
    assert_eq!(refused(auth.client.delete_me(&root.inward).await), last());
    let mut operator = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    assert!(auth::admin::ban(&mut operator, "root@example.com", "x").await.is_err());
    assert!(auth.client.me(&root.inward).await.is_ok(), "nothing was changed");
    // Who is banned or unverified does not count.
    let other = administrator(&auth, "other@example.com").await;
    auth.client.ban(&by_eve, other.id(), "x").await.unwrap();
    assert_eq!(refused(auth.client.set_roles(&by_eve, root.id(), &[]).await), last());
    auth.client.unban(&by_eve, other.id()).await.unwrap();
    auth.client.set_roles(&by_eve, root.id(), &[]).await.unwrap();
}

#[actix_web::test]
async fn of_administrators_who_end_each_other_at_once_one_stays() {
    let auth = spawn().await;
    let standing = "SELECT count(*) FROM user_roles r JOIN users u ON u.id = r.user_id
                    WHERE r.role = 'ADMIN' AND u.banned_at IS NULL AND u.delete_at IS NULL";
    for turn in 0..10 {
        auth.sql("DELETE FROM users").await;
        let ada = administrator(&auth, &format!("ada{turn}@example.com")).await;
        let eve = administrator(&auth, &format!("eve{turn}@example.com")).await;
        let (one, other) = match turn % 3 {
            0 => {
                join(
                    auth.client.ban(&ada.inward, eve.id(), "x"),
                    auth.client.delete_user(&eve.inward, ada.id()),
                )
                .await
            }
            1 => {
                let leave = async |who: &Somebody| auth.client.delete_me(&who.inward).await.map(drop);
                join(leave(&ada), leave(&eve)).await
            }
            _ => {
                let demote = async |by: &Secret, who: &Somebody| {
                    auth.client.set_roles(by, who.id(), &[]).await.map(drop)
                };
                join(demote(&ada.inward, &eve), demote(&eve.inward, &ada)).await
            }
        };
        assert!(one.is_ok() != other.is_ok(), "{turn}: {one:?} {other:?}");
        assert_eq!(auth.count(standing).await, 1, "{turn}");
    }
}
