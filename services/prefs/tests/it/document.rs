//! What users read and write.

use contract_prefs::{NamespaceName, PreferenceDocument, PreferenceSource};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Map, Value, json};

use crate::spawn::{closed, document, field, refused, spawn, value};

fn name(text: &str) -> NamespaceName {
    text.parse().unwrap()
}

#[actix_web::test]
async fn a_stranger_reads_the_defaults_and_then_what_was_written() {
    let prefs = spawn().await;
    let (token, appearance) = (prefs.user(), name("appearance"));
    let first = prefs.client.document(&token, &appearance).await.unwrap();
    assert_eq!(first.value["theme"], "system");
    assert_eq!(first.etag, r#""1.0.0""#);

    let dark = document(json!({"theme": "dark"}));
    let second = prefs.client.replace_document(&token, &appearance, &first.etag, &dark).await.unwrap();
    assert_eq!((&second.value["theme"], &second.value["density"]), (&json!("dark"), &json!("comfortable")));
    assert_eq!(second.etag, r#""1.0.1""#);
    assert_eq!(prefs.client.document(&token, &appearance).await.unwrap(), second);

    let patch = document(json!({"density": "compact", "theme": null}));
    let third = prefs.client.patch_document(&token, &appearance, &second.etag, &patch).await.unwrap();
    assert_eq!((&third.value["theme"], &third.value["density"]), (&json!("system"), &json!("compact")));

    let last = prefs.client.reset_document(&token, &appearance, &third.etag).await.unwrap();
    assert_eq!((last.value, last.etag.as_str()), (first.value, r#""1.0.3""#));
}

#[actix_web::test]
async fn all_namespaces_come_at_once_and_say_where_values_come_from() {
    let prefs = spawn().await;
    let (token, quiet) = (prefs.user(), document(json!({"quiet_hours": {"enabled": true}})));
    prefs.client.patch_document(&token, &name("notifications"), "*", &quiet).await.unwrap();
    let plain = prefs.client.preferences(&token, false).await.unwrap();
    let names: Vec<&str> = plain.preferences.keys().map(NamespaceName::as_str).collect();
    assert_eq!(names, ["appearance", "locale", "notifications"]);
    assert_eq!(plain.etags[&name("notifications")], r#""1.0.1""#);
    assert_eq!(plain.provenance, None);
    let one = prefs.client.document(&token, &name("notifications")).await.unwrap();
    assert_eq!(plain.preferences[&name("notifications")], one.value);

    let traced = prefs.client.preferences(&token, true).await.unwrap().provenance.unwrap();
    let sources = &traced[&name("notifications")];
    assert_eq!(sources["/quiet_hours/enabled"], PreferenceSource::User);
    assert_eq!(sources["/quiet_hours/from"], PreferenceSource::System);
    assert!(traced[&name("locale")].values().all(|source| *source == PreferenceSource::System));
}

#[actix_web::test]
async fn an_unchanged_document_is_not_sent_again() {
    let prefs = spawn().await;
    let (token, locale) = (prefs.user(), name("locale"));
    let held = prefs.client.document(&token, &locale).await.unwrap();
    let known = format!("W/\"0.9\", W/{}", held.etag);
    for known in [&held.etag, "*", &known] {
        assert_eq!(prefs.client.document_if_changed(&token, &locale, known).await.unwrap(), None, "{known}");
    }
    let again = prefs.client.document_if_changed(&token, &locale, "\"1.0.1\"").await.unwrap();
    assert_eq!(again, Some(held));
}

#[actix_web::test]
async fn a_write_says_what_it_relies_on() {
    let prefs = spawn().await;
    let (token, locale) = (prefs.user(), name("locale"));
    let german = document(json!({"language": "de"}));
    let write = async |etag: &str| prefs.client.replace_document(&token, &locale, etag, &german).await;
    for stale in ["\"1.0.1\"", "\"2.0.0\"", "W/\"1.0.0\"", "\"nonsense\"", "\"1.0\""] {
        let problem = refused(write(stale).await);
        assert_eq!((problem.status, problem.code.as_str()), (412, "precondition_failed"), "{stale}");
    }
    assert_eq!(prefs.stored().await, "");
    let url = format!("{}/api/v1/prefs/locale", prefs.base);
    let bare = prefs.http.put(&url).bearer_auth(&token).json(&german).send().await.unwrap();
    assert_eq!(bare.status(), 428);
    let stale =
        prefs.http.delete(&url).bearer_auth(&token).header("if-match", "\"9.0.9\"").send().await.unwrap();
    assert_eq!((stale.status().as_u16(), stale.headers()["etag"].to_str().unwrap()), (412, "\"1.0.0\""));
    assert_eq!(write("\"7.0.7\", \"1.0.0\"").await.unwrap().etag, "\"1.0.1\"");
    assert_eq!(write("*").await.unwrap().etag, "\"1.0.2\"");
}

#[actix_web::test]
async fn a_version_never_comes_twice() {
    let prefs = spawn().await;
    let (token, locale) = (prefs.user(), name("locale"));
    let german = document(json!({"language": "de"}));
    let mut seen = vec![prefs.client.document(&token, &locale).await.unwrap().etag];
    for _ in 0..3 {
        seen.push(prefs.client.replace_document(&token, &locale, "*", &german).await.unwrap().etag);
        seen.push(prefs.client.reset_document(&token, &locale, "*").await.unwrap().etag);
    }
    assert_eq!(
        seen,
        ["\"1.0.0\"", "\"1.0.1\"", "\"1.0.2\"", "\"1.0.3\"", "\"1.0.4\"", "\"1.0.5\"", "\"1.0.6\""]
    );
}

#[actix_web::test]
async fn what_does_not_fit_is_named_and_changes_nothing() {
    let prefs = spawn().await;
    let (token, appearance) = (prefs.user(), name("appearance"));
    for (body, at, code) in [
        (json!({"theme": "pink"}), "/theme", "value_not_allowed"),
        (json!({"font_size": 9}), "/font_size", "out_of_range"),
        (json!({"font_size": "16"}), "/font_size", "wrong_type"),
        (json!({"font_size": 16.5}), "/font_size", "wrong_type"),
        (json!({"theme": {"dark": true}}), "/theme", "value_not_allowed"),
        (json!({"wallpaper": "cat"}), "/wallpaper", "unknown_key"),
        (json!({"a/b~c": 1}), "/a~1b~0c", "unknown_key"),
        (json!({"api_key": "x"}), "/api_key", "secret_refused"),
        (json!({"theme": ["\u{0}"]}), "/theme/0", "nul_character"),
    ] {
        let body = document(body);
        let put = prefs.client.replace_document(&token, &appearance, "*", &body).await;
        let patch = prefs.client.patch_document(&token, &appearance, "*", &body).await;
        for problem in [refused(put), refused(patch)] {
            assert_eq!((problem.status, problem.code.as_str()), (422, "invalid_fields"));
            assert_eq!(field(&problem), (at, code));
        }
    }
    assert_eq!(prefs.stored().await, "");
}

#[actix_web::test]
async fn a_document_is_bounded() {
    let prefs = spawn().await;
    let open = json!({"type": "object", "additionalProperties": {}});
    let (token, notes) = (prefs.user(), prefs.register("notes", open, json!({})).await);
    let half = |key: &str| document(json!({key: "x".repeat(40_000)}));
    prefs.client.patch_document(&token, &notes, "*", &half("a")).await.unwrap();
    let before = prefs.stored().await;
    let problem = refused(prefs.client.patch_document(&token, &notes, "*", &half("b")).await);
    assert_eq!((problem.status, problem.code.as_str()), (413, "document_too_large"));
    let deep = (0..33).fold(json!(1), |inner, _| json!({"a": inner}));
    let problem = refused(prefs.client.replace_document(&token, &notes, "*", &document(deep)).await);
    assert_eq!(field(&problem), ("", "too_deep"));
    assert_eq!(prefs.stored().await, before);
}

/// What one random caller does.
#[derive(Clone, Debug)]
enum Step {
    Put(PreferenceDocument),
    Patch(PreferenceDocument),
    Reset,
}

fn any_document() -> impl Strategy<Value = PreferenceDocument> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zß\"\\\\]{0,4}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[abc]", value, 0..4).prop_map(|members| members.into_iter().collect())
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any_document().prop_map(Step::Patch),
        1 => any_document().prop_map(Step::Put),
        1 => Just(Step::Reset),
    ]
}

/// RFC 7396 section 2, word by word: the model of what prefs should do.
fn merge_patch(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = if let Value::Object(members) = target { members } else { Map::new() };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let below = target.remove(name).unwrap_or(Value::Null);
            target.insert(name.clone(), merge_patch(below, value));
        }
    }
    Value::Object(target)
}

#[actix_web::test]
async fn any_sequence_of_writes_agrees_with_a_model() {
    let prefs = spawn().await;
    let defaults = json!({"a": 1, "b": {"a": [1, null], "c": "x"}});
    let open = json!({"type": "object", "additionalProperties": {}});
    let free = prefs.register("free", open, defaults.clone()).await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let steps = proptest::collection::vec(any_step(), 1..8).new_tree(&mut runner).unwrap().current();
        let token = prefs.user();
        let mut held = prefs.client.document(&token, &free).await.unwrap();
        let mut layer = json!({});
        for step in &steps {
            let (client, etag) = (&prefs.client, &held.etag);
            (layer, held) = match step {
                Step::Put(body) => (
                    merge_patch(json!({}), &Value::Object(body.clone())),
                    client.replace_document(&token, &free, etag, body).await.unwrap(),
                ),
                Step::Patch(body) => (
                    merge_patch(layer, &Value::Object(body.clone())),
                    client.patch_document(&token, &free, etag, body).await.unwrap(),
                ),
                Step::Reset => (json!({}), client.reset_document(&token, &free, etag).await.unwrap()),
            };
            assert_eq!(value(&held), merge_patch(defaults.clone(), &layer), "{steps:?}");
            assert_eq!(prefs.client.document(&token, &free).await.unwrap(), held, "{steps:?}");
        }
        assert_eq!(held.etag, format!("\"1.0.{}\"", steps.len()));
    }
}

#[actix_web::test]
async fn a_new_schema_locks_nobody_out() {
    let prefs = spawn().await;
    let schema = closed(json!({"size": {"type": "integer"}, "old": {"type": "string"}}));
    let panel = prefs.register("panel", schema, json!({"size": 1, "old": "x"})).await;
    let token = prefs.user();
    let chosen = document(json!({"size": 9, "old": "mine"}));
    let before = prefs.client.replace_document(&token, &panel, "*", &chosen).await.unwrap();

    let smaller = closed(json!({"size": {"type": "integer"}, "new": {"type": "boolean"}}));
    prefs.replace(&panel, smaller, json!({"size": 1, "new": true})).await;
    let after = prefs.client.document(&token, &panel).await.unwrap();
    assert_eq!(value(&after), json!({"size": 9, "new": true}));
    assert_eq!((before.etag.as_str(), after.etag.as_str()), ("\"1.0.1\"", "\"2.0.1\""));
    let all = prefs.client.preferences(&token, true).await.unwrap();
    assert_eq!(all.preferences[&panel], after.value);
    assert_eq!(all.provenance.unwrap()[&panel].keys().collect::<Vec<_>>(), ["/new", "/size"]);

    let change = document(json!({"new": false}));
    let stale = prefs.client.patch_document(&token, &panel, &before.etag, &change).await;
    assert_eq!(refused(stale).status, 412);
    let changed = prefs.client.patch_document(&token, &panel, &after.etag, &change).await.unwrap();
    assert_eq!(value(&changed), json!({"size": 9, "new": false}));
}
