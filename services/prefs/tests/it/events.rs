//! What prefs tells the others, and what it does when they tell it something.

use std::time::Duration;

use contract_auth::events::{MembershipDeleted, OrganizationDeleted, UserDeleted};
use contract_events::{Batch, Envelope, Event, inbox_path};
use contract_prefs::{NamespaceName, events::PreferencesChanged};
use ids::{EventId, Timestamp};
use serde_json::json;
use service_discovery::Service;
use testing::Person;

use crate::spawn::{Prefs, USER, document, refused, spawn};

/// An event as auth's relay pushes it.
pub(crate) fn envelope<E: Event>(event: &E) -> Envelope {
    Envelope {
        id: EventId::generate(),
        kind: E::TYPE.to_owned(),
        org_id: event.org(),
        aggregate: event.aggregate(),
        version: event.version(),
        occurred_at: Timestamp::now(),
        data: serde_json::to_value(event).unwrap(),
    }
}

pub(crate) async fn tell(prefs: &Prefs, event: Envelope) {
    let request = prefs.http.post(format!("{}{}", prefs.internal, inbox_path("prefs")));
    let request = request.bearer_auth(prefs.token_of(Service::Auth)).json(&Batch { events: vec![event] });
    assert_eq!(request.send().await.unwrap().status(), 200);
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within 30 s: {what}");
}

pub(crate) async fn choose(prefs: &Prefs, person: &Person, theme: &str) {
    let appearance: NamespaceName = "appearance".parse().unwrap();
    let chosen = document(json!({"theme": theme}));
    prefs.client.replace_document(&prefs.token(person), &appearance, "*", &chosen).await.unwrap();
}

#[actix_web::test]
async fn every_change_is_told_and_nothing_else() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    choose(&prefs, &ada, "dark").await;
    choose(&prefs, &ada, "light").await;
    let (token, appearance) = (prefs.token(&ada), "appearance".parse().unwrap());
    let stale = prefs.client.reset_document(&token, &appearance, "\"1.0.1\"").await;
    assert_eq!(refused(stale).status, 412);
    let wrong = document(json!({"theme": "loud"}));
    assert_eq!(refused(prefs.client.patch_document(&token, &appearance, "*", &wrong).await).status, 422);
    prefs.client.reset_document(&token, &appearance, "\"1.0.2\"").await.unwrap();
    let sql = "SELECT type, org_id::text, data::text FROM events ORDER BY seq";
    let rows = prefs.database.connect().await.query(sql, &[]).await.unwrap();
    let told: Vec<PreferencesChanged> =
        rows.iter().map(|row| serde_json::from_str(row.get(2)).unwrap()).collect();
    let wanted = |version| PreferencesChanged {
        org_id: ada.org,
        user_id: ada.user,
        namespace: appearance.clone(),
        version,
    };
    assert_eq!(told, [wanted(1), wanted(2), wanted(3)]);
    assert!(rows.iter().all(|row| row.get::<_, &str>(0) == "prefs.changed"));
    assert!(rows.iter().all(|row| row.get::<_, &str>(1) == ada.org.uuid().to_string()));
}

#[actix_web::test]
async fn what_a_deleted_user_chose_goes_in_every_organisation() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let elsewhere = Person { org: ids::OrgId::generate(), ..ada.clone() };
    let bob = ada.colleague();
    for person in [&ada, &elsewhere, &bob] {
        choose(&prefs, person, "dark").await;
    }
    let deleted = envelope(&UserDeleted { user_id: ada.user, org_id: ada.org, version: 7 });
    tell(&prefs, deleted.clone()).await;
    tell(&prefs, deleted).await;
    until("the erasure", async || prefs.number("SELECT count(*) FROM documents").await == 1).await;
    assert_eq!(prefs.number("SELECT count(*) FROM document_versions").await, 1);
    let bobs = prefs.client.document(&prefs.token(&bob), &"appearance".parse().unwrap()).await.unwrap();
    assert_eq!(bobs.value["theme"], "dark");
    assert_eq!(prefs.number("SELECT count(*) FROM event_inbox").await, 1);
}

#[actix_web::test]
async fn a_token_that_outlives_its_user_writes_nothing() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    choose(&prefs, &ada, "dark").await;
    tell(&prefs, envelope(&UserDeleted { user_id: ada.user, org_id: ada.org, version: 2 })).await;
    until("the erasure", async || prefs.number("SELECT count(*) FROM documents").await == 0).await;
    let late = document(json!({"theme": "light"}));
    let appearance = "appearance".parse().unwrap();
    let outcome = prefs.client.replace_document(&prefs.token(&ada), &appearance, "*", &late).await;
    let problem = refused(outcome);
    assert_eq!((problem.status, problem.code.as_str()), (404, "owner_deleted"));
    // A write that was under way when the erasure committed is swept up an hour later.
    let slipped = "INSERT INTO documents (org_id, owner_id, namespace, layer, version, fits, updated_at)
         SELECT gen_random_uuid(), id, 'appearance', '{}', 1, 1, now() FROM erasures";
    prefs.database.connect().await.execute(slipped, &[]).await.unwrap();
    let sweep =
        "WITH due AS (UPDATE jobs SET run_at = now() WHERE kind = 'prefs.erase_documents' RETURNING 1)
                 SELECT count(*) FROM due";
    assert_eq!(prefs.number(sweep).await, 1);
    let left = "SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM erasures)";
    until("the sweep", async || prefs.number(left).await == 0).await;
}

#[actix_web::test]
async fn what_belonged_to_a_deleted_organisation_goes() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let others = Person::with_scopes(USER);
    for person in [&ada, &ada.colleague(), &others] {
        choose(&prefs, person, "dark").await;
    }
    let keeper = prefs.token(&Person { scopes: crate::spawn::KEEPER.to_owned(), ..ada.colleague() });
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_organization(&keeper, &"appearance".parse().unwrap(), "*", &dark).await.unwrap();
    tell(&prefs, envelope(&OrganizationDeleted { org_id: ada.org, version: 2 })).await;
    until("the erasure", async || prefs.number("SELECT count(*) FROM documents").await == 1).await;
    assert_eq!(prefs.number("SELECT count(*) FROM document_versions").await, 1);
    let kept = prefs.client.document(&prefs.token(&others), &"appearance".parse().unwrap()).await.unwrap();
    assert_eq!(kept.value["theme"], "dark");
}

#[actix_web::test]
async fn what_a_former_member_chose_goes_in_that_organisation_alone() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let elsewhere = Person { org: ids::OrgId::generate(), ..ada.clone() };
    let bob = ada.colleague();
    for person in [&ada, &elsewhere, &bob] {
        choose(&prefs, person, "dark").await;
    }
    tell(&prefs, envelope(&MembershipDeleted { org_id: ada.org, user_id: ada.user, version: 3 })).await;
    let dark = "SELECT count(*) FROM document_versions WHERE layer::text LIKE '%dark%'";
    until("the erasure", async || prefs.number(dark).await == 2).await;
    let appearance: NamespaceName = "appearance".parse().unwrap();
    for (person, theme, etag) in
        [(&ada, "system", "1.0.2"), (&elsewhere, "dark", "1.0.1"), (&bob, "dark", "1.0.1")]
    {
        let read = prefs.client.document(&prefs.token(person), &appearance).await.unwrap();
        assert_eq!((&read.value["theme"], read.etag), (&json!(theme), format!("\"{etag}\"")));
    }
    // Who comes back goes on where they were: no tag comes twice.
    choose(&prefs, &ada, "light").await;
    let read = prefs.client.document(&prefs.token(&ada), &appearance).await.unwrap();
    assert_eq!((&read.value["theme"], read.etag.as_str()), (&json!("light"), "\"1.0.3\""));
}

#[actix_web::test]
async fn the_internal_routes_are_not_public() {
    let prefs = spawn().await;
    let body = Batch { events: Vec::new() };
    let request = prefs.http.post(format!("{}{}", prefs.base, inbox_path("prefs"))).json(&body);
    let request = request.bearer_auth(prefs.token_of(Service::Auth));
    assert_eq!(request.send().await.unwrap().status(), 404);
    let inside = prefs.http.post(format!("{}{}", prefs.internal, inbox_path("prefs"))).json(&body);
    assert_eq!(inside.send().await.unwrap().status(), 401);
}
