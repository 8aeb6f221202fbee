//! What was before, who made it so, and putting it back.

use contract_prefs::{NamespaceName, PreferenceChange, PreferenceVersion, Restore, routes};
use ids::ApiKeyId;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use testing::Person;

use crate::spawn::{Prefs, USER, document, refused, spawn, value};

fn name(text: &str) -> NamespaceName {
    text.parse().unwrap()
}

/// The whole history, oldest first, read in small pages.
async fn whole(prefs: &Prefs, token: &str, namespace: &NamespaceName) -> Vec<PreferenceVersion> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = prefs.client.history(token, namespace, 3, cursor.as_deref()).await.unwrap();
        assert!(page.data.len() <= 3);
        all.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            all.reverse();
            return all;
        }
    }
}

#[actix_web::test]
async fn every_version_is_kept_with_who_made_it_so() {
    let prefs = spawn().await;
    let ada = Person::with_scopes(USER);
    let key = Person { sid: ApiKeyId::generate().to_string(), ..ada.clone() };
    let (token, by_key, appearance) = (prefs.token(&ada), prefs.token(&key), name("appearance"));
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_document(&token, &appearance, "*", &dark).await.unwrap();
    let compact = document(json!({"density": "compact"}));
    prefs.client.patch_document(&by_key, &appearance, "*", &compact).await.unwrap();
    prefs.client.reset_document(&token, &appearance, "*").await.unwrap();
    let back = prefs.client.restore(&token, &appearance, "\"1.0.3\"", 2).await.unwrap();
    assert_eq!((&back.value["theme"], &back.value["density"]), (&json!("dark"), &json!("compact")));
    assert_eq!(back.etag, "\"1.0.4\"");

    let all = whole(&prefs, &token, &appearance).await;
    let told: Vec<_> = all.iter().map(|version| (version.version, version.change)).collect();
    use PreferenceChange::{Patched, Replaced, Reset, Restored};
    assert_eq!(told, [(1, Replaced), (2, Patched), (3, Reset), (4, Restored)]);
    assert!(all.iter().all(|version| version.changed_by == Some(ada.user) && version.locks.is_empty()));
    let through: Vec<_> = all.iter().map(|version| version.through.as_deref()).collect();
    assert_eq!(through, [None, Some(key.sid.as_str()), None, None]);
    assert_eq!(Value::Object(all[1].overrides.clone()), json!({"theme": "dark", "density": "compact"}));
    assert_eq!(all[3].overrides, all[1].overrides);
}

#[actix_web::test]
async fn an_organisations_history_holds_its_locks_and_restores_them() {
    let prefs = spawn().await;
    let (_, member, keeper) = prefs.member_and_keeper();
    let appearance = name("appearance");
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_organization(&keeper, &appearance, "*", &dark).await.unwrap();
    let locks = contract_prefs::Locks { locks: vec!["/theme".to_owned()] };
    prefs.client.lock(&keeper, &appearance, "*", &locks).await.unwrap();
    prefs.client.reset_organization(&keeper, &appearance, "*").await.unwrap();
    let denied = refused(prefs.client.restore_organization(&member, &appearance, "*", 2).await);
    assert_eq!(denied.status, 403);
    let back = prefs.client.restore_organization(&keeper, &appearance, "\"1.3\"", 2).await.unwrap();
    assert_eq!((back.value.locks, back.value.overrides), (locks.locks.clone(), dark));
    let page = prefs.client.organization_history(&member, &appearance, 2, None).await.unwrap();
    assert_eq!(page.data.iter().map(|version| version.version).collect::<Vec<_>>(), [4, 3]);
    assert_eq!(page.data[0].locks, locks.locks);
    let own = prefs.client.history(&member, &appearance, 100, None).await.unwrap();
    assert_eq!(own.data, [], "a member's history is another one");
}

#[actix_web::test]
async fn nothing_is_restored_that_is_not_there_or_relies_on_what_is_no_more() {
    let prefs = spawn().await;
    let (token, appearance) = (prefs.user(), name("appearance"));
    let dark = document(json!({"theme": "dark"}));
    prefs.client.replace_document(&token, &appearance, "*", &dark).await.unwrap();
    for version in [0, -1, 2, i64::MAX] {
        let problem = refused(prefs.client.restore(&token, &appearance, "*", version).await);
        assert_eq!((problem.status, problem.code.as_str()), (404, "version_not_found"));
    }
    let stale = refused(prefs.client.restore(&token, &appearance, "\"1.0.0\"", 1).await);
    assert_eq!((stale.status, stale.code.as_str()), (412, "precondition_failed"));
    let bare =
        prefs.http.post(format!("{}{}", prefs.base, routes::RESTORE.replace("{namespace}", "appearance")));
    let bare = bare.bearer_auth(&token).json(&Restore { version: 1 }).send().await.unwrap();
    assert_eq!(bare.status(), 428);
    let others = refused(prefs.client.restore(&prefs.user(), &appearance, "*", 1).await);
    assert_eq!((others.status, others.code.as_str()), (404, "version_not_found"), "another's is not there");
    let nowhere = refused(prefs.client.history(&token, &name("nowhere"), 1, None).await);
    assert_eq!((nowhere.status, nowhere.code.as_str()), (404, "namespace_not_found"));
    assert_eq!(whole(&prefs, &token, &appearance).await.len(), 1);
}

#[actix_web::test]
async fn a_restoration_that_is_sent_twice_acts_once() {
    let prefs = spawn().await;
    let (token, appearance) = (prefs.user(), name("appearance"));
    for theme in ["dark", "light"] {
        let body = document(json!({"theme": theme}));
        prefs.client.replace_document(&token, &appearance, "*", &body).await.unwrap();
    }
    let url = format!("{}/api/v1/prefs/appearance/restore", prefs.base);
    let send = async || {
        let request = prefs.http.post(&url).bearer_auth(&token).header("idempotency-key", "once");
        request.header("if-match", "*").json(&Restore { version: 1 }).send().await.unwrap()
    };
    let (first, second) = (send().await, send().await);
    assert_eq!(first.headers()["etag"], "\"1.0.3\"");
    assert_eq!((second.headers()["etag"].as_bytes(), second.status().as_u16()), (&b"\"1.0.3\""[..], 200));
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(whole(&prefs, &token, &appearance).await.len(), 3);
}

#[actix_web::test]
async fn the_history_is_the_sequence_of_states() {
    let prefs = spawn().await;
    let open = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let free = prefs.register("free", open, json!({"a": 0})).await;
    let mut runner = TestRunner::deterministic();
    let any_body = proptest::collection::btree_map("[abc]", 0..9_i64, 0..3);
    let any_steps = proptest::collection::vec((0..4_usize, any_body, 0..6_usize), 1..10);
    for _ in 0..16 {
        let steps = any_steps.new_tree(&mut runner).unwrap().current();
        let token = prefs.user();
        let mut states: Vec<Value> = Vec::new();
        for (kind, body, back) in steps {
            let body = document(json!(body));
            let layer = states.last().cloned().unwrap_or_else(|| json!({}));
            let client = &prefs.client;
            let read = match kind {
                0 => client.replace_document(&token, &free, "*", &body).await.unwrap(),
                1 => client.patch_document(&token, &free, "*", &body).await.unwrap(),
                2 => client.reset_document(&token, &free, "*").await.unwrap(),
                _ if back < states.len() => {
                    client.restore(&token, &free, "*", i64::try_from(back).unwrap() + 1).await.unwrap()
                }
                _ => continue,
            };
            let mut patched = layer.as_object().unwrap().clone();
            patched.extend(body.clone());
            states.push(match kind {
                0 => Value::Object(body),
                1 => Value::Object(patched),
                2 => json!({}),
                _ => states[back].clone(),
            });
            let mut merged = json!({"a": 0}).as_object().unwrap().clone();
            merged.extend(states.last().unwrap().as_object().unwrap().clone());
            assert_eq!(value(&read), Value::Object(merged));
        }
        let history = whole(&prefs, &token, &free).await;
        let kept: Vec<Value> =
            history.iter().map(|version| Value::Object(version.overrides.clone())).collect();
        assert_eq!(kept, states);
        let versions = history.iter().map(|version| version.version);
        assert!(versions.eq(1..=i64::try_from(states.len()).unwrap()));
    }
}

#[actix_web::test]
async fn what_is_older_or_more_than_is_kept_goes_but_never_the_newest() {
    let prefs = spawn().await;
    let (token, idle, busy) = (prefs.user(), prefs.user(), prefs.user());
    let appearance = name("appearance");
    let size = |size: i64| document(json!({"font_size": size}));
    for (token, times) in [(&token, 6), (&idle, 1), (&busy, 203)] {
        for number in 0..times {
            let body = size(10 + number % 20);
            prefs.client.replace_document(token, &appearance, "*", &body).await.unwrap();
        }
    }
    let aged = "UPDATE document_versions v SET changed_at = now() - interval '2 years'
                WHERE version < 3 AND NOT EXISTS (
                    SELECT FROM document_versions o WHERE o.owner_id = v.owner_id AND o.version > 200)";
    assert_eq!(prefs.database.connect().await.execute(aged, &[]).await.unwrap(), 3);
    prefs.run_job("prefs.prune_history").await;
    let kept = "SELECT count(*) FROM document_versions";
    crate::events::until("old versions to go", async || prefs.number(kept).await == 4 + 1 + 200).await;
    for (token, wanted) in [(&token, 3..=6), (&idle, 1..=1), (&busy, 4..=203)] {
        let left = whole(&prefs, token, &appearance).await;
        assert!(left.into_iter().map(|version| version.version).eq(wanted));
    }
}
