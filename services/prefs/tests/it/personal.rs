//! What is held of a user's preferences as a whole, and its end.

use std::collections::BTreeSet;

use contract_auth::{PersonalData, personal_data_path};
use contract_prefs::{NamespaceName, PreferenceChange, events::PreferencesChanged};
use ids::{OrgId, UserId};
use serde_json::{Value, json};
use service_discovery::Service;
use testing::Person;

use crate::{
    events::choose,
    spawn::{Prefs, USER, document, refused, spawn},
};

fn appearance() -> NamespaceName {
    "appearance".parse().unwrap()
}

#[actix_web::test]
async fn all_that_is_held_of_the_caller_is_exported_and_nothing_of_others() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let elsewhere = Person { org: OrgId::generate(), ..ada.clone() };
    let token = prefs.token(&ada);
    assert_eq!(prefs.client.export(&token).await.unwrap().documents, []);
    for (person, theme) in [(&ada, "dark"), (&ada, "light"), (&ada.colleague(), "dark"), (&elsewhere, "dark")]
    {
        choose(&prefs, person, theme).await;
    }
    let exported = prefs.client.export(&token).await.unwrap().documents;
    assert_eq!(exported.len(), 1);
    assert_eq!(
        (exported[0].org_id, &exported[0].namespace, exported[0].version),
        (ada.org, &appearance(), 2)
    );
    assert_eq!(Value::Object(exported[0].overrides.clone()), json!({"theme": "light"}));
    let history = &exported[0].history;
    assert_eq!(*history, prefs.client.history(&token, &appearance(), 10, None).await.unwrap().data);
    assert_eq!(history.len(), 2);
}

async fn asked(prefs: &Prefs, token: Option<String>, user: &str) -> reqwest::Response {
    let url = format!("{}{}?user_id={user}", prefs.internal, personal_data_path(Service::Prefs));
    let request = prefs.http.get(url);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap()
}

#[actix_web::test]
async fn auth_is_told_what_is_held_about_a_person_in_every_organisation_and_nobody_else_is() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let elsewhere = Person { org: OrgId::generate(), ..ada.clone() };
    for person in [&ada, &elsewhere, &ada.colleague()] {
        choose(&prefs, person, "dark").await;
    }
    let user = ada.user.to_string();
    let told = asked(&prefs, Some(prefs.token_of(Service::Auth)), &user).await;
    let told: PersonalData = told.json().await.unwrap();
    let documents = told.sections["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 2);
    assert!(
        documents
            .iter()
            .all(|one| one["overrides"] == json!({"theme": "dark"}) && one["history"][0]["version"] == 1)
    );
    let nobody = asked(&prefs, Some(prefs.token_of(Service::Auth)), &UserId::generate().to_string()).await;
    assert_eq!(nobody.json::<PersonalData>().await.unwrap().sections["documents"], json!([]));
    for (token, status) in
        [(None, 401), (Some(prefs.token(&ada)), 403), (Some(prefs.token_of(Service::Gateway)), 403)]
    {
        assert_eq!(asked(&prefs, token, &user).await.status(), status);
    }
    assert_eq!(asked(&prefs, Some(prefs.token_of(Service::Auth)), "x").await.status(), 400);
    let outside = format!("{}{}?user_id={user}", prefs.base, personal_data_path(Service::Prefs));
    let outside = prefs.http.get(outside).bearer_auth(prefs.token_of(Service::Auth)).send().await.unwrap();
    assert_eq!(outside.status(), 404);
}

/// The tables that auth is told of, each with its section.
const TOLD: [(&str, &str); 3] =
    [("audit_log", "audit_log"), ("document_versions", "documents"), ("documents", "documents")];

/// Those that it is not told of, each with the reason.
const NOT_TOLD: [(&str, &str); 21] = [
    ("__diesel_schema_migrations", "the schema's"),
    ("conversions", "targeting keys as hashes, which lead back to nobody"),
    ("erasures", "whoever it names is gone"),
    ("event_inbox", "which events of others were taken: ids of events"),
    ("event_positions", "the newest version of each thing that others told of"),
    ("event_subscribers", "services"),
    ("events", "what other services were told, by ids, of what the sections say; 90 days"),
    ("experiments", "the organisation's; who changed one is in the audit log"),
    ("exposures", "targeting keys as hashes, which lead back to nobody"),
    ("flag_environments", "the organisation's"),
    ("flag_segments", "the organisation's; who changed one is in the audit log"),
    ("flag_sets", "the organisation's"),
    ("flag_versions", "the organisation's; who changed a flag is in the audit log"),
    ("flags", "the organisation's"),
    ("idempotency_records", "sealed replies for a day, which the person was given"),
    ("job_fires", "schedules"),
    ("jobs", "work that waits, by ids"),
    ("jobs_history", "work that was done, by ids"),
    ("namespace_versions", "the platform's own; who registered one is in the audit log"),
    ("namespaces", "the platform's own"),
    ("plinth_migration_checksums", "the schema's"),
];

#[actix_web::test]
async fn every_table_is_in_the_export_or_says_why_it_is_not() {
    let prefs = spawn().await;
    let user = UserId::generate().to_string();
    let told = asked(&prefs, Some(prefs.token_of(Service::Auth)), &user).await;
    let told: PersonalData = told.json().await.unwrap();
    let sql = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition";
    let tables = prefs.database.connect().await.query(sql, &[]).await.unwrap();
    let tables: BTreeSet<String> = tables.iter().map(|row| row.get(0)).collect();
    let known = TOLD.iter().chain(&NOT_TOLD).map(|(table, _)| (*table).to_owned());
    assert_eq!(known.collect::<BTreeSet<_>>(), tables);
    for (table, section) in TOLD {
        assert!(told.sections.contains_key(section), "{table}: there is no section `{section}`");
    }
}

#[actix_web::test]
async fn what_a_person_did_is_told_with_what_is_held_about_them() {
    let prefs = spawn().await;
    let (member, _, keeper) = prefs.member_and_keeper();
    let chosen = document(json!({"theme": "dark"}));
    prefs.client.replace_organization(&keeper, &appearance(), "*", &chosen).await.unwrap();
    choose(&prefs, &member, "light").await;
    let auth = prefs.token_of(Service::Auth);
    let by = "SELECT actor FROM audit_log";
    let by: String = prefs.database.connect().await.query_one(by, &[]).await.unwrap().get(0);
    for (user, entries) in [(by.clone(), 1), (member.user.to_string(), 0)] {
        let told = asked(&prefs, Some(auth.clone()), &user).await;
        let told: PersonalData = told.json().await.unwrap();
        let done = told.sections["audit_log"].as_array().unwrap();
        assert_eq!(done.len(), entries, "{user}");
        assert!(done.iter().all(|entry| entry["service"] == "prefs" && entry["actor"] == by));
    }
}

#[actix_web::test]
async fn what_is_erased_is_nowhere_any_more_and_no_version_comes_twice() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let bob = ada.colleague();
    let elsewhere = Person { org: OrgId::generate(), ..ada.clone() };
    for person in [&ada, &ada, &bob, &elsewhere] {
        choose(&prefs, person, "dark").await;
    }
    let token = prefs.token(&ada);
    prefs.client.erase(&token).await.unwrap();
    let read = prefs.client.document(&token, &appearance()).await.unwrap();
    assert_eq!((&read.value["theme"], read.etag.as_str()), (&json!("system"), "\"1.0.3\""));
    let history = prefs.client.history(&token, &appearance(), 10, None).await.unwrap().data;
    assert_eq!(
        history.iter().map(|one| (one.version, one.change)).collect::<Vec<_>>(),
        [(3, PreferenceChange::Erased)]
    );
    assert_eq!(refused(prefs.client.restore(&token, &appearance(), "*", 1).await).code, "version_not_found");
    let left = "SELECT count(*) FROM document_versions WHERE layer::text LIKE '%dark%'";
    assert_eq!(prefs.number(left).await, 2, "others', and one's own elsewhere, stay");
    let last = "SELECT data::text FROM events ORDER BY seq DESC LIMIT 1";
    let last: String = prefs.database.connect().await.query_one(last, &[]).await.unwrap().get(0);
    let told: PreferencesChanged = serde_json::from_str(&last).unwrap();
    assert_eq!((told.user_id, told.org_id, told.version), (ada.user, ada.org, 3));
    prefs.client.erase(&prefs.user()).await.unwrap();
    let again = document(json!({"theme": "light"}));
    let etag = prefs.client.replace_document(&token, &appearance(), &read.etag, &again).await.unwrap().etag;
    assert_eq!(etag, "\"1.0.4\"");
}
