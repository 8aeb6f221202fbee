//! What an organisation chooses for its members, and locks.

use contract_events::Event;
use contract_prefs::{
    Locks, NamespaceName, PreferenceDocument, PreferenceSource, audited,
    events::OrganizationPreferencesChanged,
};
use futures_util::{StreamExt, stream};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Map, Value, json};
use service_discovery::CallError;
use testing::Person;

use crate::spawn::{Prefs, closed, document, field, refused, spawn, value};

fn name(text: &str) -> NamespaceName {
    text.parse().unwrap()
}

fn locks(pointers: &[&str]) -> Locks {
    Locks { locks: pointers.iter().map(|pointer| (*pointer).to_owned()).collect() }
}

#[actix_web::test]
async fn what_the_organisation_chose_holds_until_a_member_chooses() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let appearance = name("appearance");
    let first = prefs.client.organization(&member, &appearance).await.unwrap();
    assert_eq!((first.etag.as_str(), first.value.overrides.len()), ("\"1.0\"", 0));
    let dark = document(json!({"theme": "dark", "font_size": 20}));
    let set = prefs.client.replace_organization(&keeper, &appearance, &first.etag, &dark).await.unwrap();
    assert_eq!((set.etag.as_str(), &set.value.document["theme"]), ("\"1.1\"", &json!("dark")));

    let read = prefs.client.document(&member, &appearance).await.unwrap();
    assert_eq!((read.etag.as_str(), &read.value["theme"]), ("\"1.1.0\"", &json!("dark")));
    let light = document(json!({"theme": "light"}));
    let own = prefs.client.patch_document(&member, &appearance, &read.etag, &light).await.unwrap();
    assert_eq!((&own.value["theme"], &own.value["font_size"]), (&json!("light"), &json!(20)));
    let back = prefs.client.reset_document(&member, &appearance, &own.etag).await.unwrap();
    assert_eq!(back.value, read.value);

    let all = prefs.client.preferences(&member, true).await.unwrap();
    let sources = &all.provenance.unwrap()[&appearance];
    assert_eq!(sources["/theme"], PreferenceSource::Organization);
    assert_eq!(sources["/density"], PreferenceSource::System);
    let patch = document(json!({"font_size": null}));
    let less = prefs.client.patch_organization(&keeper, &appearance, "*", &patch).await.unwrap();
    assert_eq!(Value::Object(less.value.overrides), json!({"theme": "dark"}));
    let none = prefs.client.reset_organization(&keeper, &appearance, "\"1.2\"").await.unwrap();
    assert_eq!((none.value.overrides.len(), none.etag.as_str()), (0, "\"1.3\""));
    let strangers = prefs.client.document(&prefs.user(), &appearance).await.unwrap();
    assert_eq!(strangers.etag, "\"1.0.0\"", "another organisation has nothing of it");
}

#[actix_web::test]
async fn what_is_locked_keeps_the_organisations_value_and_the_members_returns_once_it_is_not() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let appearance = name("appearance");
    let own = document(json!({"theme": "light", "density": "compact"}));
    prefs.client.replace_document(&member, &appearance, "*", &own).await.unwrap();
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_organization(&keeper, &appearance, "*", &dark).await.unwrap();
    let locked = prefs.client.lock(&keeper, &appearance, "\"1.1\"", &locks(&["/theme"])).await.unwrap();
    assert_eq!(
        (locked.value.locks.as_slice(), locked.etag.as_str()),
        (&["/theme".to_owned()][..], "\"1.2\"")
    );

    let read = prefs.client.document(&member, &appearance).await.unwrap();
    assert_eq!((&read.value["theme"], &read.value["density"]), (&json!("dark"), &json!("compact")));
    let all = prefs.client.preferences(&member, true).await.unwrap();
    assert_eq!(all.provenance.unwrap()[&appearance]["/theme"], PreferenceSource::Organization);
    assert_eq!(all.locked.unwrap()[&appearance], ["/theme"]);
    let before = prefs.stored().await;
    let theme = document(json!({"theme": "light"}));
    for outcome in [
        prefs.client.patch_document(&member, &appearance, "*", &theme).await,
        prefs.client.replace_document(&member, &appearance, "*", &theme).await,
    ] {
        let problem = refused(outcome);
        assert_eq!((problem.status, field(&problem)), (422, ("/theme", "key_locked")));
    }
    assert_eq!(prefs.stored().await, before);
    let other = document(json!({"density": "comfortable", "font_size": 12}));
    prefs.client.patch_document(&member, &appearance, &read.etag, &other).await.unwrap();

    prefs.client.lock(&keeper, &appearance, "*", &locks(&[])).await.unwrap();
    let free = prefs.client.document(&member, &appearance).await.unwrap();
    assert_eq!((&free.value["theme"], &free.value["font_size"]), (&json!("light"), &json!(12)));
}

#[actix_web::test]
async fn what_the_platform_locks_neither_organisations_nor_members_override() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let both = json!({"limit": {"type": "integer"}, "size": {"type": "integer"}});
    let panel = prefs.register("panel", closed(both.clone()), json!({"limit": 5, "size": 1})).await;
    let nine = document(json!({"limit": 9}));
    prefs.client.replace_organization(&keeper, &panel, "*", &nine).await.unwrap();
    let mut new = crate::spawn::namespace(closed(both), json!({"limit": 5, "size": 1}));
    new.locks = vec!["/limit".to_owned()];
    let over = contract_prefs::Writing::Over("\"1\"");
    prefs.client.put_namespace(&prefs.admin(), &panel, over, &new).await.unwrap();
    let read = prefs.client.document(&member, &panel).await.unwrap();
    assert_eq!(value(&read), json!({"limit": 5, "size": 1}));
    let by_keeper = refused(prefs.client.patch_organization(&keeper, &panel, "*", &nine).await);
    let by_member = refused(prefs.client.patch_document(&member, &panel, "*", &nine).await);
    for problem in [by_keeper, by_member] {
        assert_eq!((problem.status, field(&problem)), (422, ("/limit", "key_locked")));
    }
}

#[actix_web::test]
async fn locks_that_name_nothing_are_refused() {
    let prefs = spawn().await;
    let (_, _, keeper) = prefs.member_and_keeper();
    let notifications = name("notifications");
    for (lock, code) in [
        ("/them", "unknown_key"),
        ("email", "pointer_invalid"),
        ("", "pointer_invalid"),
        ("/email/x", "unknown_key"),
    ] {
        let outcome = prefs.client.lock(&keeper, &notifications, "*", &locks(&["/push", lock])).await;
        let problem = refused(outcome);
        assert_eq!((problem.status, field(&problem)), (422, ("/locks/1", code)), "{lock}");
    }
    let deep = locks(&["/quiet_hours/from", "/push", "/push"]);
    let set = prefs.client.lock(&keeper, &notifications, "*", &deep).await.unwrap();
    assert_eq!(set.value.locks, ["/push", "/quiet_hours/from"]);
}

#[actix_web::test]
async fn only_who_looks_after_the_organisation_changes_its_layer() {
    let prefs = spawn().await;
    let (person, member, _) = prefs.member_and_keeper();
    let appearance = name("appearance");
    let dark = document(json!({"theme": "dark"}));
    let without_prefs =
        prefs.token(&Person { scopes: "prefs:read orgs:write".to_owned(), ..person.colleague() });
    for token in [&member, &without_prefs] {
        let put = refused(prefs.client.replace_organization(token, &appearance, "*", &dark).await);
        assert_eq!((put.status, put.code.as_str()), (403, "insufficient_scope"));
        let lock = refused(prefs.client.lock(token, &appearance, "*", &locks(&["/theme"])).await);
        assert_eq!((lock.status, lock.code.as_str()), (403, "insufficient_scope"));
    }
    assert_eq!(prefs.stored().await, "");
}

#[actix_web::test]
async fn a_change_of_the_organisations_layer_is_audited_and_told() {
    let prefs = spawn().await;
    let (person, _, keeper) = prefs.member_and_keeper();
    let appearance = name("appearance");
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_organization(&keeper, &appearance, "*", &dark).await.unwrap();
    prefs.client.lock(&keeper, &appearance, "*", &locks(&["/theme"])).await.unwrap();
    let client = prefs.database.connect().await;
    let rows = client.query("SELECT action, details::text FROM audit_log ORDER BY id", &[]).await.unwrap();
    let audited: Vec<(&str, Value)> =
        rows.iter().map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap())).collect();
    let entry = |version, change| {
        let details = json!({"namespace": "appearance", "version": version, "change": change});
        (audited::ORGANIZATION_CHANGED.name, details)
    };
    assert_eq!(audited, [entry(1, "replaced"), entry(2, "locked")]);
    let rows = client.query("SELECT type, data::text FROM events ORDER BY seq", &[]).await.unwrap();
    let told: Vec<OrganizationPreferencesChanged> =
        rows.iter().map(|row| serde_json::from_str(row.get(1)).unwrap()).collect();
    let event = |version| OrganizationPreferencesChanged {
        org_id: person.org,
        namespace: appearance.clone(),
        version,
    };
    assert_eq!(told, [event(1), event(2)]);
    assert!(rows.iter().all(|row| row.get::<_, &str>(0) == OrganizationPreferencesChanged::TYPE));
}

/// RFC 7396 section 2 on what is no `null`: the model of what a layer does.
fn over(below: &Value, layer: &Value) -> Value {
    match (below, layer) {
        (Value::Object(below), Value::Object(layer)) => {
            let mut merged = below.clone();
            for (key, value) in layer {
                let under = below.get(key).cloned().unwrap_or_else(|| json!({}));
                merged.insert(key.clone(), over(&under, value));
            }
            Value::Object(merged)
        }
        (_, Value::Object(layer)) => over(&Value::Object(Map::new()), &Value::Object(layer.clone())),
        _ => layer.clone(),
    }
}

fn any_layer() -> impl Strategy<Value = PreferenceDocument> {
    let leaf = (0..4).prop_map(Value::from);
    let value = leaf.prop_recursive(2, 8, 3, |inner| {
        proptest::collection::btree_map("[abc]", inner, 0..3)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    });
    proptest::collection::btree_map("[abc]", value, 0..4).prop_map(|members| members.into_iter().collect())
}

#[actix_web::test]
async fn any_layers_and_locks_agree_with_a_model() {
    let prefs = spawn().await;
    let defaults = json!({"a": 1, "b": {"a": 1, "c": {"b": 2}}});
    let open = json!({"type": "object", "additionalProperties": {}});
    let free = prefs.register("free", open, defaults.clone()).await;
    let mut runner = TestRunner::deterministic();
    let any_lock = proptest::collection::vec("(/[abc]){1,2}", 0..3);
    for _ in 0..24 {
        let (_, member, keeper) = prefs.member_and_keeper();
        let drawn = (any_layer(), any_layer(), &any_lock).new_tree(&mut runner).unwrap().current();
        let (organization, own, locked) = drawn;
        prefs.client.replace_document(&member, &free, "*", &own).await.unwrap();
        prefs.client.replace_organization(&keeper, &free, "*", &organization).await.unwrap();
        let below = over(&defaults, &Value::Object(organization));
        let unlocked = over(&below, &Value::Object(own));
        let read = value(&prefs.client.document(&member, &free).await.unwrap());
        assert_eq!(read, unlocked);
        let set = Locks { locks: locked.clone() };
        prefs.client.lock(&keeper, &free, "*", &set).await.unwrap();
        let read = value(&prefs.client.document(&member, &free).await.unwrap());
        for lock in &locked {
            assert_eq!(read.pointer(lock), below.pointer(lock), "{lock}");
        }
        for key in ["a", "b", "c"] {
            if !locked.iter().any(|lock| lock.split('/').nth(1) == Some(key)) {
                assert_eq!(read.get(key), unlocked.get(key), "{locked:?}");
            }
        }
        prefs.client.lock(&keeper, &free, "*", &locks(&[])).await.unwrap();
        assert_eq!(value(&prefs.client.document(&member, &free).await.unwrap()), unlocked);
    }
}

#[actix_web::test]
async fn no_update_of_200_writers_of_an_organisations_layer_is_lost() {
    let prefs = spawn().await;
    let open = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let marks = prefs.register("marks", open, json!({})).await;
    let keeper = crate::concurrency::lasting(&prefs, crate::spawn::KEEPER);
    let writers = stream::iter((0..200).map(|writer| mark(&prefs, &keeper, &marks, writer)));
    writers.buffer_unordered(8).collect::<Vec<()>>().await;
    let read = prefs.client.organization(&keeper, &marks).await.unwrap();
    assert_eq!(read.value.overrides.len(), 200);
}

/// Adds a key of the writer's own, whatever the others do meanwhile.
async fn mark(prefs: &Prefs, token: &str, marks: &NamespaceName, writer: u64) {
    let own = document(json!({format!("k{writer}"): writer}));
    loop {
        match prefs.client.patch_organization(token, marks, "*", &own).await {
            Ok(_) => return,
            // A busy machine: it may have been written or not, and is written again.
            Err(CallError::Transport(_)) => {}
            outcome => assert_eq!(refused(outcome).code, "document_contended"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(writer % 50)).await;
    }
}

#[actix_web::test]
async fn a_member_never_writes_over_another_layer_than_they_read() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let appearance = name("appearance");
    let read = prefs.client.document(&member, &appearance).await.unwrap();
    prefs.client.lock(&keeper, &appearance, "*", &locks(&["/theme"])).await.unwrap();
    let own = document(json!({"density": "compact"}));
    let stale = refused(prefs.client.patch_document(&member, &appearance, &read.etag, &own).await);
    assert_eq!((stale.status, stale.code.as_str()), (412, "precondition_failed"));
    assert!(prefs.client.patch_document(&member, &appearance, "\"1.1.0\"", &own).await.is_ok());
}
