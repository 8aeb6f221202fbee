//! Flags as teams define them.

use std::collections::BTreeSet;

use contract_auth::events::OrganizationDeleted;
use contract_prefs::{
    Conversion, EvaluationRequest, FlagCondition, FlagDefinition, FlagKey, FlagOperator, NewExperiment,
    NewSegment, Writing, audited, events, routes,
};
use serde_json::{Value, json};
use service_discovery::CallError;
use testing::Person;

use crate::{
    events::{envelope, tell, until},
    spawn::{Prefs, USER, field, refused, spawn},
};

/// A flag that is on or off.
pub(crate) fn boolean(key: &str) -> Value {
    json!({
        "key": key, "type": "boolean", "variants": {"on": true, "off": false},
        "default_variant": "on", "off_variant": "off",
    })
}

/// What a flag says, from JSON.
pub(crate) fn flag(written: Value) -> FlagDefinition {
    serde_json::from_value(written).unwrap()
}

/// The same, with what holds in production.
pub(crate) fn with_production(key: &str, production: Value) -> FlagDefinition {
    let mut written = boolean(key);
    written["environments"] = json!({ "production": production });
    flag(written)
}

pub(crate) fn key(text: &str) -> FlagKey {
    text.parse().unwrap()
}

fn staff() -> NewSegment {
    let when = FlagCondition::test("email", FlagOperator::EndsWith, json!("@example.com"));
    NewSegment { description: "Who works here.".to_owned(), when }
}

#[actix_web::test]
async fn a_flag_lives() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    let made = client.create_flag(&token, &flag(boolean("checkout"))).await.unwrap();
    assert_eq!((made.etag.as_str(), made.value.version, made.value.archived), ("\"1\"", 1, false));
    let salt = made.value.definition.salt.clone().unwrap();
    assert_eq!(salt, made.value.id.to_string(), "a salt is made");
    let again = refused(client.create_flag(&token, &flag(boolean("checkout"))).await);
    assert_eq!((again.status, again.code.as_str()), (409, "flag_exists"));

    let on = with_production("checkout", json!({"enabled": true}));
    let changed = client.replace_flag(&token, &key("checkout"), &made.etag, &on).await.unwrap();
    assert_eq!((changed.etag.as_str(), changed.value.definition.salt.clone()), ("\"2\"", Some(salt)));
    let stale = refused(client.replace_flag(&token, &key("checkout"), &made.etag, &on).await);
    assert_eq!(stale.status, 412);
    assert_eq!(client.flag(&token, &key("checkout")).await.unwrap(), changed);

    let archived = client.archive_flag(&token, &key("checkout"), &changed.etag).await.unwrap();
    assert!(archived.value.archived);
    assert_eq!(client.flags(&token, false, 20, None).await.unwrap().data, []);
    assert_eq!(client.flags(&token, true, 20, None).await.unwrap().data, [archived.value]);
    let late = refused(client.replace_flag(&token, &key("checkout"), "*", &on).await);
    assert_eq!((late.status, late.code.as_str()), (409, "flag_archived"));
    let taken = refused(client.create_flag(&token, &flag(boolean("checkout"))).await);
    assert_eq!(taken.code, "flag_exists", "an archived flag keeps its key");

    let back = client.restore_flag(&token, &key("checkout"), 1).await.unwrap();
    assert_eq!((back.etag.as_str(), back.value.archived), ("\"4\"", false));
    assert_eq!(back.value.definition, made.value.definition);
    let history = client.flag_history(&token, &key("checkout")).await.unwrap().data;
    let told: Vec<_> =
        history.iter().map(|one| (one.version, serde_json::to_value(one.change).unwrap())).collect();
    let wanted = [(4, "restored"), (3, "archived"), (2, "updated"), (1, "created")];
    assert_eq!(told, wanted.map(|(version, change)| (version, json!(change))));
    let never = refused(client.restore_flag(&token, &key("checkout"), 9).await);
    assert_eq!((never.status, never.code.as_str()), (404, "flag_version_not_found"));
}

#[actix_web::test]
async fn a_write_says_what_it_relies_on() {
    let prefs = spawn().await;
    let token = prefs.user();
    prefs.client.create_flag(&token, &flag(boolean("a"))).await.unwrap();
    let url = format!("{}/api/v1/flags/a", prefs.base);
    for request in [prefs.http.put(&url).json(&boolean("a")), prefs.http.delete(&url)] {
        assert_eq!(request.bearer_auth(&token).send().await.unwrap().status(), 428);
    }
    let known = prefs.http.get(&url).bearer_auth(&token).header("if-none-match", "\"1\"");
    assert_eq!(known.send().await.unwrap().status(), 304);
}

#[actix_web::test]
async fn of_fifty_writers_with_one_etag_one_succeeds() {
    let prefs = spawn().await;
    let token = prefs.user();
    let made = prefs.client.create_flag(&token, &flag(boolean("a"))).await.unwrap();
    let (on, name) = (with_production("a", json!({"enabled": true})), key("a"));
    let writes = (0..50).map(|_| prefs.client.replace_flag(&token, &name, &made.etag, &on));
    let outcomes = futures_util::future::join_all(writes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refused(outcome).status, 412);
    }
    assert_eq!(prefs.number("SELECT max(version) FROM flag_versions").await, 2);
}

#[actix_web::test]
async fn what_does_not_make_sense_is_named_and_changes_nothing() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    client.create_flag(&token, &flag(boolean("a"))).await.unwrap();
    let before = prefs.number("SELECT sum(version)::bigint FROM flag_sets").await;
    let rule = |when: Value| json!({"production": {"rules": [{"when": when, "serve": {"variant": "on"}}]}});
    let cases = [
        (json!({"environments": {"mars": {}}}), "/environments/mars", "unknown_environment"),
        (
            json!({"environments": rule(json!({"attribute": "a", "op": "matches", "value": "x"}))}),
            "/environments/production/rules/0/when/op",
            "wrong_type",
        ),
        (
            json!({"environments": rule(json!({"segment": "nobody"}))}),
            "/environments/production/rules/0/when/segment",
            "unknown_segment",
        ),
        (json!({"environments": rule(json!({}))}), "/environments/production/rules/0/when", "bad_condition"),
        (json!({"variants": {"on": 1, "off": false}}), "/variants/on", "wrong_type"),
        (json!({"default_variant": "x"}), "/default_variant", "unknown_variant"),
        (json!({"type": "text"}), "/type", "wrong_type"),
        (json!({"owner": "me"}), "/owner", "unknown_field"),
        (json!({"key": "not a key"}), "/key", "wrong_type"),
    ];
    for (patch, at, code) in cases {
        for method in [reqwest::Method::POST, reqwest::Method::PUT] {
            let mut written = boolean("a");
            if method == reqwest::Method::POST {
                written["key"] = json!("b");
            }
            written.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
            let path = if method == reqwest::Method::POST { "flags" } else { "flags/a" };
            let request = prefs.http.request(method, format!("{}/api/v1/{path}", prefs.base));
            let request = request.bearer_auth(&token).header("if-match", "*").json(&written);
            let reply = request.send().await.unwrap();
            assert_eq!(reply.status(), 422, "{patch}");
            let problem: problem::Problem = reply.json().await.unwrap();
            assert_eq!(field(&problem), (at, code), "{patch}");
        }
    }
    let mut nameless = boolean("b");
    nameless.as_object_mut().unwrap().remove("key");
    let nameless = refused(client.create_flag(&token, &flag(nameless)).await);
    assert_eq!(field(&nameless), ("/key", "missing_field"));
    let other = refused(client.replace_flag(&token, &key("a"), "*", &flag(boolean("b"))).await);
    assert_eq!(field(&other), ("/key", "key_is_fixed"));
    let text = flag(
        json!({"type": "string", "variants": {"on": "1"}, "default_variant": "on", "off_variant": "on"}),
    );
    let text = refused(client.replace_flag(&token, &key("a"), "*", &text).await);
    assert_eq!(field(&text), ("/type", "type_is_fixed"));
    assert_eq!(prefs.number("SELECT sum(version)::bigint FROM flag_sets").await, before);
}

#[actix_web::test]
async fn nobody_sees_or_changes_anothers_flags() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let (own, colleague) = (prefs.token(&ada), prefs.token(&ada.colleague()));
    let stranger = prefs.user();
    let client = &prefs.client;
    let made = client.create_flag(&own, &with_production("a", json!({"enabled": true}))).await.unwrap();
    client.put_segment(&own, &key("staff"), Writing::New, &staff()).await.unwrap();
    assert_eq!(client.flag(&colleague, &key("a")).await.unwrap(), made, "flags are the organisation's");
    for status in [
        refused(client.flag(&stranger, &key("a")).await).status,
        refused(client.replace_flag(&stranger, &key("a"), "*", &flag(boolean("a"))).await).status,
        refused(client.archive_flag(&stranger, &key("a"), "*").await).status,
        refused(client.flag_history(&stranger, &key("a")).await).status,
        refused(client.restore_flag(&stranger, &key("a"), 1).await).status,
        refused(client.segment(&stranger, &key("staff")).await).status,
        refused(client.delete_segment(&stranger, &key("staff"), "*").await).status,
    ] {
        assert_eq!(status, 404);
    }
    let evaluated = client.evaluate(&stranger, "production", &key("a"), &EvaluationRequest::default()).await;
    assert!(matches!(evaluated, Err(CallError::Unreadable { status: 404, .. })), "{evaluated:?}");
    assert_eq!(client.flags(&stranger, false, 20, None).await.unwrap().data, []);
    assert_eq!(client.segments(&stranger, 20, None).await.unwrap().data, []);
    client.create_flag(&stranger, &flag(boolean("a"))).await.unwrap();
    assert_eq!(client.flag(&own, &key("a")).await.unwrap(), made);
}

#[actix_web::test]
async fn lists_come_in_pages() {
    let prefs = spawn().await;
    let token = prefs.user();
    for name in ["a", "b", "c"] {
        prefs.client.create_flag(&token, &flag(boolean(name))).await.unwrap();
        prefs.client.put_segment(&token, &key(name), Writing::New, &staff()).await.unwrap();
    }
    let first = prefs.client.flags(&token, false, 2, None).await.unwrap();
    let rest = prefs.client.flags(&token, false, 2, first.next_cursor.as_deref()).await.unwrap();
    let keys = |page: Vec<contract_prefs::Flag>| {
        page.into_iter().map(|flag| flag.definition.key.unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!((keys(first.data), keys(rest.data)), (vec!["a".into(), "b".into()], vec!["c".into()]));
    assert_eq!(rest.next_cursor, None);
    let first = prefs.client.segments(&token, 2, None).await.unwrap();
    let rest = prefs.client.segments(&token, 2, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((first.data.len(), rest.data.len()), (2, 1));
}

#[actix_web::test]
async fn what_is_named_cannot_go() {
    let prefs = spawn().await;
    let (token, client) = (prefs.user(), &prefs.client);
    client.create_flag_environment(&token, &key("qa")).await.unwrap();
    let twice = refused(client.create_flag_environment(&token, &key("qa")).await);
    let built_in = refused(client.create_flag_environment(&token, &key("production")).await);
    assert_eq!(
        (twice.code.as_str(), built_in.code.as_str()),
        ("flag_environment_exists", "flag_environment_exists")
    );
    let segment = client.put_segment(&token, &key("staff"), Writing::New, &staff()).await.unwrap();
    let mut written = boolean("a");
    let rules = json!([{"when": {"segment": "staff"}, "serve": {"variant": "off"}}]);
    written["environments"] = json!({"qa": {"enabled": true, "rules": rules}});
    client.create_flag(&token, &flag(written)).await.unwrap();
    let held = refused(client.delete_segment(&token, &key("staff"), "*").await);
    assert_eq!((held.status, held.code.as_str()), (409, "in_use"));
    assert!(held.detail.contains("the flag `a`"), "{}", held.detail);
    assert_eq!(refused(client.delete_flag_environment(&token, &key("qa")).await).code, "in_use");
    let fixed = refused(client.delete_flag_environment(&token, &key("production")).await);
    assert_eq!((fixed.status, fixed.code.as_str()), (409, "flag_environment_built_in"));
    client.archive_flag(&token, &key("a"), "*").await.unwrap();
    assert_eq!(refused(client.delete_segment(&token, &key("staff"), "\"0\"").await).status, 412);
    client.delete_segment(&token, &key("staff"), &segment.etag).await.unwrap();
    client.delete_flag_environment(&token, &key("qa")).await.unwrap();
    let keys = client.flag_environments(&token).await.unwrap().data;
    let keys: Vec<_> = keys.iter().map(|environment| environment.key.as_str()).collect();
    assert_eq!(keys, ["development", "staging", "production"]);
    let restored = refused(client.restore_flag(&token, &key("a"), 1).await);
    assert_eq!((restored.status, restored.errors.len()), (422, 2), "it names what is gone: {restored:?}");
    let anew = client.put_segment(&token, &key("staff"), Writing::New, &staff()).await.unwrap();
    assert_ne!(anew.etag, segment.etag, "no tag comes twice");
}

#[actix_web::test]
async fn a_segment_names_no_segment() {
    let prefs = spawn().await;
    let token = prefs.user();
    prefs.client.put_segment(&token, &key("staff"), Writing::New, &staff()).await.unwrap();
    let circle: NewSegment = serde_json::from_value(json!({"when": {"segment": "staff"}})).unwrap();
    let refusal = refused(prefs.client.put_segment(&token, &key("staff"), Writing::Over("*"), &circle).await);
    assert_eq!(field(&refusal), ("/when/segment", "unknown_segment"));
    let exists = refused(prefs.client.put_segment(&token, &key("staff"), Writing::New, &staff()).await);
    assert_eq!(exists.status, 428);
    let missing = refused(prefs.client.put_segment(&token, &key("new"), Writing::Over("*"), &staff()).await);
    assert_eq!(missing.status, 412);
}

/// Everything that prefs audits or tells of flags, once at least.
pub(crate) async fn live(prefs: &Prefs) {
    let (token, client) = (prefs.user(), &prefs.client);
    client.create_flag_environment(&token, &key("qa")).await.unwrap();
    client.delete_flag_environment(&token, &key("qa")).await.unwrap();
    client.put_segment(&token, &key("staff"), Writing::New, &staff()).await.unwrap();
    client.delete_segment(&token, &key("staff"), "*").await.unwrap();
    client.create_flag(&token, &with_production("a", json!({"enabled": true}))).await.unwrap();
    client
        .replace_flag(&token, &key("a"), "*", &with_production("a", json!({"enabled": true})))
        .await
        .unwrap();
    let plan: NewExperiment = serde_json::from_value(json!({
        "name": "x", "flag": "a", "metrics": ["buy"],
        "split": [{"variant": "off", "percent": 50}, {"variant": "on", "percent": 50}],
    }))
    .unwrap();
    let experiment = client.create_experiment(&token, &plan).await.unwrap().id;
    client.start_experiment(&token, experiment).await.unwrap();
    let context = json!({"targetingKey": "ada@example.com"}).as_object().cloned();
    client.evaluate(&token, "production", &key("a"), &EvaluationRequest { context }).await.unwrap();
    let conversion =
        Conversion { metric: key("buy"), targeting_key: "ada@example.com".to_owned(), value: None };
    client.tell_conversion(&token, experiment, &conversion).await.unwrap();
    client.stop_experiment(&token, experiment).await.unwrap();
    client.archive_flag(&token, &key("a"), "*").await.unwrap();
    client.restore_flag(&token, &key("a"), 1).await.unwrap();
}

async fn column(prefs: &Prefs, sql: &str) -> BTreeSet<String> {
    prefs.database.connect().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[actix_web::test]
async fn all_that_the_contract_lists_of_flags_is_audited_and_told() {
    let prefs = spawn().await;
    live(&prefs).await;
    let listed: BTreeSet<_> = audited::OF_FLAGS.iter().map(|action| action.name.to_owned()).collect();
    assert_eq!(column(&prefs, "SELECT DISTINCT action FROM audit_log").await, listed);
    let of_flags = |name: &&str| name.starts_with("flag") || name.starts_with("experiment");
    let listed: BTreeSet<_> =
        events::catalogue().iter().map(|kind| kind.name).filter(of_flags).map(str::to_owned).collect();
    assert_eq!(column(&prefs, "SELECT DISTINCT type FROM events").await, listed);
    let versions = "SELECT version::text FROM events WHERE type = 'flag.changed' ORDER BY seq";
    assert_eq!(column(&prefs, versions).await, ["1", "2", "3", "4"].map(str::to_owned).into());
    until("the exposure", async || prefs.number("SELECT count(*) FROM exposures").await == 1).await;
    let kept = "SELECT audit_log::text FROM audit_log UNION ALL SELECT events::text FROM events
                UNION ALL SELECT exposures::text FROM exposures UNION ALL SELECT conversions::text FROM conversions";
    for row in column(&prefs, kept).await {
        assert!(!row.contains("example.com"), "an address in {row}");
    }
}

#[actix_web::test]
async fn the_flags_of_a_deleted_organisation_go() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let token = prefs.token(&ada);
    prefs.client.create_flag(&token, &with_production("a", json!({"enabled": true}))).await.unwrap();
    let asked = EvaluationRequest::default();
    prefs.client.evaluate(&token, "production", &key("a"), &asked).await.unwrap();
    live(&prefs).await;
    tell(&prefs, envelope(&OrganizationDeleted { org_id: ada.org, version: 2 })).await;
    until("the erasure", async || prefs.number("SELECT count(*) FROM flag_sets").await == 1).await;
    until("the evaluation", async || {
        prefs.client.evaluate(&token, "production", &key("a"), &asked).await.is_err()
    })
    .await;
    let late = refused(prefs.client.create_flag(&token, &flag(boolean("b"))).await);
    assert_eq!((late.status, late.code.as_str()), (404, "owner_deleted"));
    assert_eq!(prefs.number("SELECT count(*) FROM flags").await, 1, "others keep theirs");
}

#[actix_web::test]
async fn an_organisation_has_so_many_flags_and_no_more() {
    let prefs = spawn().await;
    let token = prefs.user();
    prefs.client.create_flag(&token, &flag(boolean("a"))).await.unwrap();
    let many =
        "INSERT INTO flags SELECT org_id, 'f' || n, gen_random_uuid(), 1, true, definition, now(), now()
                FROM flags, generate_series(2, 1000) n";
    prefs.database.connect().await.execute(many, &[]).await.unwrap();
    let full = refused(prefs.client.create_flag(&token, &flag(boolean("b"))).await);
    assert_eq!((full.status, full.code.as_str()), (409, "too_many"));
    let url = format!("{}{}", prefs.base, routes::FLAGS);
    let mut large = boolean("c");
    large["description"] = json!("x".repeat(70_000));
    let reply = prefs.http.post(url).bearer_auth(&token).json(&large).send().await.unwrap();
    assert_eq!(reply.status(), 413);
}
