//! What the contract lists is audited, and told to the others.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    web::{self, Data, Json},
};
use contract_auth::{AccountChange, ApiKeyChange, PasswordChange, audited, events};
use contract_events::{Batch, Envelope, inbox_path};
use service_kit::db::Connector;

use crate::{
    mailbox,
    spawn::{AT_ONCE, Auth, PASSWORD, SEALING_KEYS, claims_of, spawn, spawn_with},
};

const NEW: &str = "nine blue foxes dance";

/// Everything that auth audits or tells, once at least.
async fn live(auth: &Auth) {
    let ada = auth.somebody("ada@example.com").await;
    auth.register("ada@example.com").await;
    let change = AccountChange { name: Some(Some("Ada".to_owned())), ..AccountChange::default() };
    auth.client.change_me(&ada.inward, &change).await.unwrap();
    let key = auth.api_key(&ada, &["auth:read"]).await.shown.id;
    let change = ApiKeyChange { name: Some("x".to_owned()), ..Default::default() };
    auth.client.change_api_key(&ada.inward, key, &change).await.unwrap();
    auth.client.rotate_api_key(&ada.inward, key, 60).await.unwrap();
    auth.client.delete_api_key(&ada.inward, key).await.unwrap();
    let phone = auth.login("ada@example.com").await.unwrap();
    let session = claims_of(&phone.access_token).sid.unwrap().parse().unwrap();
    auth.client.end_session(&ada.inward, session).await.unwrap();
    crate::second_factor::live(auth).await;
    crate::attempt::live(auth).await;
    let change = PasswordChange { current_password: PASSWORD.into(), new_password: NEW.into() };
    let next = auth.client.change_password(&ada.inward, &change).await.unwrap();
    auth.client.logout(&auth.inward(&next.access_token)).await.unwrap();
    let eve = auth.somebody("eve@example.com").await;
    let current = auth.client.refresh(&eve.tokens.refresh_token).await.unwrap().refresh_token;
    auth.sql("UPDATE sessions SET rotated_at = rotated_at - interval '30 seconds'").await;
    auth.client.refresh(&current).await.unwrap_err();
    let admin = auth.admin().await;
    auth.client.set_roles(&admin, eve.id(), &["RESELLER"]).await.unwrap();
    auth.client.ban(&admin, eve.id(), "spam").await.unwrap();
    auth.client.unban(&admin, eve.id()).await.unwrap();
    crate::user_admin::live(auth).await;
    crate::impersonation::live(auth).await;
    crate::grant::live(auth).await;
    crate::deletion::live(auth).await;
    crate::email_change::live(auth).await;
    crate::recovery::live(auth).await;
    crate::organizations::live(auth).await;
    crate::export::live(auth).await;
    let mut operator = Connector::new(auth.db.url(), None).unwrap().connect().await.unwrap();
    auth::admin::create(&mut operator, "root@example.com", PASSWORD, &["ADMIN"]).await.unwrap();
    auth::admin::verify(&mut operator, "ada@example.com").await.unwrap();
    let keyring = sealing::Keyring::parse(SEALING_KEYS).unwrap();
    auth::admin::rotate_signing_key(&mut operator, &keyring, false).await.unwrap();
}

async fn column(auth: &Auth, sql: &str) -> Vec<String> {
    auth.db.connect().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[actix_web::test]
async fn all_that_the_contract_lists_is_audited_and_told_and_nothing_else() {
    let auth = mailbox::spawn().await;
    live(&auth).await;
    let listed: BTreeSet<_> = audited::ALL.iter().map(|action| action.name.to_owned()).collect();
    let found = column(&auth, "SELECT DISTINCT action FROM audit_log").await;
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), listed);
    let listed: BTreeSet<_> = events::catalogue().iter().map(|kind| kind.name.to_owned()).collect();
    let found = column(&auth, "SELECT DISTINCT type FROM events").await;
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), listed);
}

#[actix_web::test]
async fn nothing_that_is_kept_about_it_holds_a_secret_or_an_address() {
    let auth = mailbox::spawn().await;
    live(&auth).await;
    let kept =
        column(&auth, "SELECT audit_log::text FROM audit_log UNION ALL SELECT events::text FROM events
                       UNION ALL SELECT jobs::text FROM jobs UNION ALL SELECT jobs_history::text FROM jobs_history");
    for row in kept.await {
        for secret in [PASSWORD, NEW, "example.com", "plk_", "plr_", "plt_", "plc_", "eyJ", "$argon2"] {
            assert!(!row.contains(secret), "{secret} in {row}");
        }
    }
}

#[actix_web::test]
async fn versions_grow_by_one_with_every_event_of_a_user_and_of_an_organisation() {
    let auth = mailbox::spawn().await;
    live(&auth).await;
    let sql = "SELECT aggregate || ' ' || string_agg(version::text, ',' ORDER BY seq) FROM events
               WHERE type LIKE 'user.%' OR type LIKE 'organization.%' OR type LIKE 'membership.%' OR type LIKE 'resource.%'
               GROUP BY aggregate";
    for row in column(&auth, sql).await {
        let versions: Vec<usize> =
            row.split(' ').nth(1).unwrap().split(',').map(|v| v.parse().unwrap()).collect();
        assert_eq!(versions, (1..=versions.len()).collect::<Vec<_>>(), "{row}");
    }
}

#[actix_web::test]
async fn a_refused_operation_leaves_no_trace() {
    let auth = spawn().await;
    let (ada, admin) = (auth.somebody("ada@example.com").await, auth.admin().await);
    let count = "SELECT (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM events)";
    let before = auth.count(count).await;
    auth.client.set_roles(&admin, ada.id(), &["KING"]).await.unwrap_err();
    let change = PasswordChange { current_password: NEW.into(), new_password: NEW.into() };
    auth.client.change_password(&ada.inward, &change).await.unwrap_err();
    auth.client.delete_api_key(&ada.inward, ids::ApiKeyId::generate()).await.unwrap_err();
    for _ in 0..2 {
        auth.client.unban(&admin, ada.id()).await.unwrap();
    }
    assert_eq!(auth.count(count).await, before);
}

#[actix_web::test]
async fn a_registration_leaves_as_much_whether_or_not_there_is_an_account() {
    let auth = spawn().await;
    let count = "SELECT count(*) FROM audit_log";
    auth.register("ada@example.com").await;
    assert_eq!(auth.count(count).await, 1);
    auth.register("ada@example.com").await;
    assert_eq!(auth.count(count).await, 2);
    let told = column(&auth, "SELECT type FROM events ORDER BY seq").await;
    assert_eq!(told, ["organization.created", "user.created", "user.reregistered"]);
}

type Taken = Mutex<Vec<Envelope>>;

/// Takes events as prefs does, and looks at whose token comes with them.
async fn take(request: HttpRequest, batch: Json<Batch>, taken: Data<Taken>) -> HttpResponse {
    let token =
        request.headers().get("authorization").unwrap().to_str().unwrap()["Bearer ".len()..].to_owned();
    let claims = claims_of(&token.into());
    assert_eq!((claims.sub.as_str(), claims.aud.as_str()), ("service:auth", "prefs"));
    let accepted = batch.events.len();
    taken.lock().unwrap().extend(batch.into_inner().events);
    HttpResponse::Ok().json(serde_json::json!({ "accepted": accepted }))
}

#[actix_web::test]
async fn a_subscriber_is_told_in_order() {
    let taken = Data::from(Arc::new(Taken::default()));
    let shared = taken.clone();
    let path = inbox_path("prefs");
    let server =
        HttpServer::new(move || App::new().app_data(shared.clone()).route(&path, web::post().to(take)))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let subscribers = ("AUTH__EVENTS__SUBSCRIBERS", "prefs");
    let settings = [("AUTH__ROLE", "all"), AT_ONCE, subscribers, ("PREFS_INTERNAL_URL", &url)];
    let auth = spawn_with(&settings).await;
    let ada = auth.somebody("ada@example.com").await;
    auth.client.delete_me(&ada.inward).await.unwrap();
    let wanted = ["organization.created", "user.created", "user.deleted", "organization.deleted"];
    for _ in 0..600 {
        let told: Vec<String> = taken.lock().unwrap().iter().map(|event| event.kind.clone()).collect();
        // Whether the registration's mail is asked for before the user is gone is open.
        let told: Vec<String> = told.into_iter().filter(|kind| kind != "mail.requested").collect();
        if told.len() >= wanted.len() {
            assert_eq!(told, wanted);
            handle.stop(false).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never told: {:?}", taken.lock().unwrap());
}
