use actix_web::{FromRequest, test::TestRequest};
use audit::{AuditEntry, AuditQuery, By, Entry, Origin};
use identity::{Actor, Principal};
use ids::{OrgId, Timestamp, UserId};
use serde_json::json;
use service_discovery::{Context, Service};
use testing::{Issuer, Person};

use crate::spawn::{BANNED, LOGGED_IN, log, record_and_fail, tick};

fn principal(person: &Person) -> Principal {
    Principal::try_from(Issuer::start().claims(Service::Auth, person)).unwrap()
}

async fn origin() -> Origin {
    let request = TestRequest::default().insert_header(("x-forwarded-for", "203.0.113.7, 10.0.0.1"));
    Origin::extract(&request.to_http_request()).await.unwrap()
}

fn actions(entries: &[AuditEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.action.as_str()).collect()
}

#[actix_web::test]
async fn an_entry_tells_who_did_what_and_whence() {
    let log = log().await;
    let (person, victim, org) = (Person::with_scopes(""), UserId::generate(), OrgId::generate());
    let actor = Some(Actor { sub: "service:agents".to_owned(), act: None });
    let caller = Principal { actor, ..principal(&person) };
    let context = Context { request_id: Some("req_7".to_owned()), traceparent: None };
    let (before, origin) = (Timestamp::now(), origin().await);
    let entry = Entry::of(BANNED).on(victim).in_org(org).with("reason", "spam").with("days", 7);
    context.scope(async { log.record(&origin.caller(&caller), entry).await }).await;
    let [told] = log.tells(AuditQuery::default()).await.try_into().unwrap();
    let wanted = AuditEntry {
        id: told.id,
        service: "auth".to_owned(),
        action: "user.banned".to_owned(),
        actor: person.user.to_string(),
        through: Some("service:agents".to_owned()),
        credential: Some(person.sid),
        org_id: Some(org),
        target: Some(victim.to_string()),
        details: json!({"reason": "spam", "days": 7}),
        request_id: Some("req_7".to_owned()),
        ip: Some("203.0.113.7".to_owned()),
        created_at: told.created_at,
    };
    assert_eq!(told, wanted);
    assert!(told.created_at.unix_seconds() >= before.unix_seconds());
}

#[actix_web::test]
async fn services_operators_and_strangers_are_told_apart() {
    let log = log().await;
    log.record(&By::service(Service::Prefs), Entry::of(BANNED)).await;
    log.record(&By::operator(), Entry::of(BANNED)).await;
    let user = UserId::generate();
    log.record(&origin().await.anybody(user.to_string()), Entry::of(LOGGED_IN)).await;
    let told = log.tells(AuditQuery::default()).await;
    let actors: Vec<&str> = told.iter().map(|entry| entry.actor.as_str()).collect();
    assert_eq!(actors, [user.to_string().as_str(), "operator", "service:prefs"], "newest first");
    assert_eq!((told[0].ip.as_deref(), told[1].ip.as_deref()), (Some("203.0.113.7"), None));
    assert!(told.iter().all(|entry| entry.org_id.is_none() && entry.details == json!({})));
}

#[actix_web::test]
async fn what_is_rolled_back_leaves_no_entry() {
    let log = log().await;
    record_and_fail(&log.db, &By::operator(), Entry::of(BANNED)).await;
    assert_eq!(log.tells(AuditQuery::default()).await, []);
}

#[actix_web::test]
async fn every_filter_narrows() {
    let log = log().await;
    let (ada, eve) = (Person::with_scopes(""), Person::with_scopes(""));
    let origin = origin().await;
    log.record(&origin.caller(&principal(&ada)), Entry::of(LOGGED_IN).on("ses_1")).await;
    tick().await;
    let middle = Timestamp::now();
    log.record(&origin.caller(&principal(&eve)), Entry::of(LOGGED_IN).on("ses_2")).await;
    log.record(&origin.caller(&principal(&ada)), Entry::of(BANNED).on(eve.user)).await;
    let all = AuditQuery::default();
    let text = |text: &str| Some(text.to_owned());
    let told = async |query| actions(&log.tells(query).await).join(" ");
    assert_eq!(told(all.clone()).await, "user.banned session.created session.created");
    let by_actor = AuditQuery { actor: Some(ada.user.to_string()), ..all.clone() };
    assert_eq!(told(by_actor.clone()).await, "user.banned session.created");
    assert_eq!(told(AuditQuery { org: Some(eve.org), ..all.clone() }).await, "session.created");
    assert_eq!(told(AuditQuery { target: text("ses_1"), ..all.clone() }).await, "session.created");
    assert_eq!(told(AuditQuery { action: text("user."), ..all.clone() }).await, "user.banned");
    assert_eq!(told(AuditQuery { since: Some(middle), ..by_actor }).await, "user.banned");
    assert_eq!(told(AuditQuery { until: Some(middle), ..all.clone() }).await, "session.created");
    for nothing in ["%", "user_banned", "user.banned.", "\\", "'"] {
        assert_eq!(told(AuditQuery { action: text(nothing), ..all.clone() }).await, "", "{nothing}");
    }
}

#[actix_web::test]
async fn a_person_is_told_all_that_they_did_the_oldest_first_and_nobody_elses_address() {
    let log = log().await;
    let (person, other) = (Person::with_scopes(""), Person::with_scopes(""));
    let origin = origin().await;
    let actor = Some(Actor { sub: UserId::generate().to_string(), act: None });
    let impersonated = Principal { actor, ..principal(&person) };
    log.record(&origin.caller(&principal(&person)), Entry::of(LOGGED_IN)).await;
    log.record(&origin.caller(&principal(&other)), Entry::of(BANNED).on(person.user)).await;
    log.record(&origin.caller(&impersonated), Entry::of(BANNED)).await;
    // More than are read at a time.
    let many = format!(
        "INSERT INTO audit_log (id, actor, action, details, created_at)
         SELECT gen_random_uuid(), '{}', 'many', '{{}}', now() FROM generate_series(1, 2500)",
        person.user
    );
    log.database.connect().await.execute(&many, &[]).await.unwrap();
    let mut connection = log.db.connection().await.unwrap();
    let told = audit::by_person(&mut connection, Service::Prefs, person.user).await.unwrap();
    assert_eq!(told.len(), 2502);
    assert!(told.is_sorted_by_key(|entry| entry.id) && told.iter().all(|entry| entry.service == "prefs"));
    let of = |action: &str| told.iter().find(|entry| entry.action == action).unwrap();
    assert_eq!(of("session.created").ip.as_deref(), Some("203.0.113.7"));
    assert_eq!((of("user.banned").ip.as_deref(), of("user.banned").through.is_some()), (None, true));
    let nobody = audit::by_person(&mut connection, Service::Prefs, UserId::generate()).await.unwrap();
    assert!(nobody.is_empty());
}
