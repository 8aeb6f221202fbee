//! Administrators who act in a user's name: what they may, how it shows, how it ends.

use contract_auth::{
    Impersonate, Impersonation, PasswordChange, RoleDefinition, RoleKind, Secret, UserChange,
};
use identity::Claims;
use ids::SessionId;
use serde_json::{Value, json};

use crate::{
    spawn::{Auth, PASSWORD, Somebody, claims_of, code, refused, spawn},
    user_admin::administrator,
};

fn wish() -> Impersonate {
    Impersonate { reason: "ticket 4711".to_owned(), minutes: None, org_id: None }
}

/// Everything about impersonation that is audited, once.
pub(crate) async fn live(auth: &Auth) {
    let (admin, ida) = (auth.admin().await, auth.somebody("ida2@example.com").await);
    let acting = auth.client.impersonate(&admin, ida.id(), &wish()).await.unwrap();
    auth.client.end_impersonation(&auth.inward(&acting.access_token)).await.unwrap();
}

/// What the gateway would send on for who acts.
async fn acts(auth: &Auth, admin: &Secret, who: &Somebody) -> (Impersonation, Secret) {
    let acting = auth.client.impersonate(admin, who.id(), &wish()).await.unwrap();
    let inward = auth.inward(&acting.access_token);
    (acting, inward)
}

#[actix_web::test]
async fn an_administrator_acts_in_a_users_name_and_it_shows_everywhere() {
    let auth = spawn().await;
    let (root, ada) =
        (administrator(&auth, "root@example.com").await, auth.somebody("ada@example.com").await);
    auth.sql("UPDATE users SET email_verified_at = now()").await;
    let (acting, inward) = acts(&auth, &root.inward, &ada).await;
    let claims = claims_of(&acting.access_token);
    assert_eq!(claims.sub, ada.id().to_string());
    assert_eq!(claims.act.as_ref().map(|act| act.sub.clone()), Some(root.id().to_string()));
    assert_eq!((claims.sid.clone(), claims.auth_time), (Some(acting.session_id.to_string()), None));
    assert_eq!(claims.exp - claims.iat, 900, "15 minutes, unless they say");
    for never in ["auth:write", "orgs:write", "payments:write", "auth:admin", "jobs:admin"] {
        assert!(!claims.scope.contains(never), "{never}");
    }
    assert!(claims.scope.contains("prefs:write"));
    assert_eq!(auth.client.me(&inward).await.unwrap().email, "ada@example.com");
    let sessions = auth.client.sessions(&ada.inward, "").await.unwrap().data;
    let marked: Vec<_> = sessions.iter().filter(|session| session.impersonation).collect();
    assert_eq!((sessions.len(), marked.len(), marked[0].id), (2, 1, acting.session_id));
    assert_eq!(
        (&marked[0].ip, &marked[0].user_agent),
        (&None, &None),
        "the administrator's device is theirs"
    );
    let begun = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'user.impersonated' AND actor = '{}' AND target = '{}'
         AND details->>'reason' = 'ticket 4711'",
        root.id(),
        ada.id()
    );
    assert_eq!(auth.count(&begun).await, 1);
    auth.client.end_impersonation(&inward).await.unwrap();
    assert_eq!(refused(auth.client.me(&inward).await), code(401, "token_revoked"));
    let ended = format!(
        "SELECT count(*) FROM audit_log WHERE action = 'impersonation.ended' AND actor = '{}' AND through = '{}'",
        ada.id(),
        root.id()
    );
    assert_eq!(auth.count(&ended).await, 1, "every entry of it says through whom");
    assert!(auth.client.me(&ada.inward).await.is_ok(), "the user's own session goes on");
}

#[actix_web::test]
async fn it_is_renewed_until_its_end_and_has_no_refresh_token() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    let hour = Impersonate { minutes: Some(60), ..wish() };
    let acting = auth.client.impersonate(&admin, ada.id(), &hour).await.unwrap();
    assert!(acting.expires_in <= 900 && acting.ends_at.since(ids::Timestamp::now()).as_secs() > 3000);
    let shown = serde_json::to_value(&acting).unwrap();
    assert!(shown.get("refresh_token").is_none());
    let inward = auth.inward(&acting.access_token);
    let again = auth.client.renew_impersonation(&inward).await.unwrap();
    assert_eq!(
        (again.session_id, again.ends_at.to_string()),
        (acting.session_id, acting.ends_at.to_string())
    );
    let next = auth.inward(&again.access_token);
    assert!(auth.client.me(&next).await.is_ok());
    auth.sql(
        "UPDATE sessions SET expires_at = now() + interval '30 seconds' WHERE impersonator_id IS NOT NULL",
    )
    .await;
    assert!(auth.client.renew_impersonation(&next).await.unwrap().expires_in <= 30, "no token outlives it");
    auth.sql("UPDATE sessions SET expires_at = now() WHERE impersonator_id IS NOT NULL").await;
    assert_eq!(refused(auth.client.renew_impersonation(&next).await), code(401, "credential_ended"));
    let own = auth.client.renew_impersonation(&ada.inward).await;
    assert_eq!(refused(own), code(403, "not_impersonating"), "an own session is not renewed by this");
}

fn unverified() -> UserChange {
    UserChange { email_verified: Some(false), ..UserChange::default() }
}

fn narrower() -> RoleDefinition {
    let scopes = vec!["auth:admin".to_owned()];
    RoleDefinition { kind: RoleKind::Platform, description: "Administers users.".to_owned(), scopes }
}

#[actix_web::test]
async fn whatever_ends_either_of_both_ends_it() {
    let auth = spawn().await;
    auth.admin().await;
    for turn in 0..11 {
        let root = administrator(&auth, &format!("root{turn}@example.com")).await;
        let ada = auth.somebody(&format!("ada{turn}@example.com")).await;
        let (acting, inward) = acts(&auth, &root.inward, &ada).await;
        assert!(auth.client.me(&inward).await.is_ok());
        let other = auth.admin().await;
        let client = &auth.client;
        match turn {
            0 => client.ban(&other, ada.id(), "x").await.unwrap(),
            1 => client.end_session(&ada.inward, acting.session_id).await.unwrap(),
            2 => client.delete_user(&other, ada.id()).await.unwrap(),
            3 => client.sign_out(&other, ada.id()).await.unwrap(),
            4 => client.ban(&other, root.id(), "x").await.unwrap(),
            5 => client.delete_user(&other, root.id()).await.unwrap(),
            6 => client.sign_out(&other, root.id()).await.unwrap(),
            7 => client.set_roles(&other, root.id(), &[]).await.map(drop).unwrap(),
            8 => client.change_user(&other, root.id(), &unverified()).await.map(drop).unwrap(),
            9 => client.define_role(&other, "ADMIN", &narrower()).await.map(drop).unwrap(),
            _ => {
                let new = "nine blue foxes dance".into();
                let change = PasswordChange { current_password: PASSWORD.into(), new_password: new };
                client.change_password(&root.inward, &change).await.map(drop).unwrap();
            }
        }
        assert_eq!(refused(client.me(&inward).await), code(401, "token_revoked"), "{turn}");
        assert!(client.renew_impersonation(&inward).await.is_err(), "{turn}");
        let open = "SELECT count(*) FROM sessions WHERE impersonator_id IS NOT NULL AND revoked_at IS NULL";
        assert_eq!(auth.count(open).await, 0, "{turn}");
    }
}

#[actix_web::test]
async fn who_administers_is_never_impersonated_nor_oneself() {
    let auth = spawn().await;
    let root = administrator(&auth, "root@example.com").await;
    let (other, ada) =
        (administrator(&auth, "other@example.com").await, auth.somebody("ada@example.com").await);
    let by_root =
        async |user, wish: &Impersonate| refused(auth.client.impersonate(&root.inward, user, wish).await);
    assert_eq!(by_root(other.id(), &wish()).await, code(403, "user_administers"));
    auth.sql("UPDATE users SET email_verified_at = NULL WHERE email = 'other@example.com'").await;
    assert_eq!(by_root(other.id(), &wish()).await, code(403, "user_administers"), "nor who may soon");
    assert_eq!(by_root(root.id(), &wish()).await, code(403, "own_account"));
    assert_eq!(by_root(ids::UserId::generate(), &wish()).await, code(404, "user_not_found"));
    for bad in [
        Impersonate { minutes: Some(61), ..wish() },
        Impersonate { minutes: Some(0), ..wish() },
        Impersonate { reason: " ".to_owned(), ..wish() },
        Impersonate { org_id: Some(ids::OrgId::generate()), ..wish() },
    ] {
        assert_eq!(by_root(ada.id(), &bad).await, code(422, "invalid_fields"), "{bad:?}");
    }
    auth.sql("UPDATE users SET banned_at = now() WHERE email = 'ada@example.com'").await;
    assert_eq!(by_root(ada.id(), &wish()).await, code(409, "user_banned"));
    assert_eq!(auth.count("SELECT count(*) FROM sessions WHERE impersonator_id IS NOT NULL").await, 0);
}

#[actix_web::test]
async fn neither_a_key_nor_who_impersonates_already_impersonates() {
    let auth = spawn().await;
    let root = administrator(&auth, "root@example.com").await;
    let (ada, eve) = (auth.somebody("ada@example.com").await, auth.somebody("eve@example.com").await);
    let key = auth.api_key(&root, &["auth:admin"]).await;
    let issued = crate::api_key_secret::exchange(&auth, &key.key).await.unwrap();
    let by_key = auth.client.impersonate(&auth.inward(&issued.access_token), ada.id(), &wish()).await;
    assert_eq!(refused(by_key), code(403, "session_required"));
    let (_, inward) = acts(&auth, &root.inward, &ada).await;
    let second = auth.client.impersonate(&inward, eve.id(), &wish()).await;
    assert_eq!(refused(second), code(403, "insufficient_scope"));
    let scope = "auth:admin".parse().unwrap();
    let forged = auth.issuer.sign(&Claims { scope, ..claims_of(&inward) }).into();
    let second = auth.client.impersonate(&forged, eve.id(), &wish()).await;
    assert_eq!(refused(second), code(403, "session_required"), "not even with the scope");
}

/// What changes an account asks for `auth:write`, which who impersonates lacks. Were it
/// there, a session without anybody in between would still be wanted, but for these.
const HARMLESS: [&str; 1] = ["PATCH /api/v1/auth/me"];

#[actix_web::test]
async fn who_impersonates_changes_neither_password_nor_address_keys_or_account() {
    let auth = spawn().await;
    let (admin, ada) = (auth.admin().await, auth.somebody("ada@example.com").await);
    let (_, inward) = acts(&auth, &admin, &ada).await;
    let scope = claims_of(&ada.inward).scope;
    let all: Secret = auth.issuer.sign(&Claims { scope, ..claims_of(&inward) }).into();
    let document: Value = serde_json::to_value(auth::openapi()).unwrap();
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            if operation["security"][0]["bearer"][0] != "auth:write" || HARMLESS.contains(&name.as_str()) {
                continue;
            }
            tried += 1;
            let path = path.replace("{id}", &id_for(path));
            for (token, wanted) in [(&inward, "insufficient_scope"), (&all, "session_required")] {
                let request = testing::http()
                    .request(method.to_uppercase().parse().unwrap(), format!("{}{path}", auth.base))
                    .bearer_auth(token.expose())
                    .json(&body(&path));
                let reply = request.send().await.unwrap();
                let status = reply.status();
                let problem: Value = reply.json().await.unwrap_or_default();
                assert_eq!((status.as_u16(), problem["code"].as_str()), (403, Some(wanted)), "{name}");
            }
        }
    }
    assert!(tried >= 7, "only {tried} operations were found");
    assert!(auth.client.me(&ada.inward).await.is_ok());
}

/// An id that the path takes.
fn id_for(path: &str) -> String {
    let kind =
        ["api-keys", "grants", "exports", "factors", "orgs"].iter().position(|noun| path.contains(noun));
    let id = SessionId::generate().to_string();
    match kind {
        Some(0) => id.replace("ses_", "key_"),
        Some(1) => id.replace("ses_", "grt_"),
        Some(2) => id.replace("ses_", "exp_"),
        Some(4) => id.replace("ses_", "org_"),
        _ => id,
    }
}

/// A body that the path takes, for who may.
fn body(path: &str) -> Value {
    if path.ends_with("password/change") {
        json!({ "current_password": PASSWORD, "new_password": "nine blue foxes dance" })
    } else if path.ends_with("email/change") {
        json!({ "email": "lovelace@example.com" })
    } else if path.ends_with("api-keys") {
        json!({ "name": "x", "scopes": ["auth:read"] })
    } else if path.ends_with("/accept") || path.ends_with("/decline") {
        json!({ "token": "plt_none" })
    } else if path.ends_with("/step-up") || path.ends_with("/totp/disable") {
        json!({ "password": PASSWORD })
    } else if path.ends_with("/totp/confirm") {
        json!({ "code": "000000" })
    } else if path.ends_with("/switch-org") {
        json!({ "org_id": ids::OrgId::generate() })
    } else {
        json!({})
    }
}
