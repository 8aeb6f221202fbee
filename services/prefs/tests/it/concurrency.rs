//! Many writers of one document at once.

use std::time::Duration;

use contract_prefs::{NamespaceName, PreferenceDocument};
use identity::Claims;
use serde_json::json;
use service_discovery::{CallError, Service};
use testing::Person;

use crate::spawn::{Prefs, USER, closed, document, refused, spawn, value};

const WRITERS: usize = 200;

/// A token that outlives a slow machine.
pub(crate) fn lasting(prefs: &Prefs, scopes: &str) -> String {
    let claims = prefs.issuer.claims(Service::Prefs, &Person::with_scopes(scopes));
    prefs.issuer.sign(&Claims { exp: claims.exp + 600, ..claims })
}

async fn counter(prefs: &Prefs) -> NamespaceName {
    prefs.register("counter", closed(json!({"count": {"type": "integer"}})), json!({"count": 0})).await
}

fn counted(count: i64) -> PreferenceDocument {
    document(json!({"count": count}))
}

/// Reads the count and writes the next, until nobody else was in between. Gives how
/// often somebody was.
async fn increment(prefs: &Prefs, token: &str, counter: &NamespaceName, writer: usize) -> usize {
    let mut stale = 0;
    loop {
        let held = prefs.client.document(token, counter).await.unwrap();
        let next = counted(held.value["count"].as_i64().unwrap() + 1);
        match prefs.client.replace_document(token, counter, &held.etag, &next).await {
            Ok(_) => return stale,
            Err(CallError::Refused(problem)) if problem.status == 412 => stale += 1,
            Err(other) => panic!("{other:?}"),
        }
        // Writers that all came back at once would only meet again.
        let pause = u64::try_from((writer * 7919 + stale * 104_729) % 1500).unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

#[actix_web::test]
async fn no_update_of_200_writers_is_lost() {
    let prefs = spawn().await;
    let (token, counter) = (lasting(&prefs, USER), counter(&prefs).await);
    let writers = (0..WRITERS).map(|writer| increment(&prefs, &token, &counter, writer));
    let stale: usize = futures_util::future::join_all(writers).await.into_iter().sum();
    println!("{WRITERS} writes, {stale} stale attempts");
    let last = prefs.client.document(&token, &counter).await.unwrap();
    assert_eq!(value(&last), json!({"count": WRITERS}));
    assert_eq!(last.etag, format!("\"1.0.{WRITERS}\""), "every success is one version");
    assert!(stale > 0, "they never met: the test shows nothing");
}

#[actix_web::test]
async fn of_200_writers_with_one_etag_one_succeeds() {
    let prefs = spawn().await;
    let (token, counter) = (lasting(&prefs, USER), counter(&prefs).await);
    for version in 0..3 {
        let etag = format!("\"1.0.{version}\"");
        let bodies: Vec<_> = (0..WRITERS).map(|writer| counted(i64::try_from(writer).unwrap())).collect();
        let writes = bodies.iter().map(|body| prefs.client.replace_document(&token, &counter, &etag, body));
        let outcomes = futures_util::future::join_all(writes).await;
        let (done, stale): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(done.len(), 1);
        assert!(stale.into_iter().all(|outcome| refused(outcome).status == 412));
        let held = prefs.client.document(&token, &counter).await.unwrap();
        assert_eq!(held, *done[0].as_ref().unwrap());
    }
}

#[actix_web::test]
async fn patches_that_rely_on_nothing_do_not_undo_each_other() {
    let prefs = spawn().await;
    let open = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let (token, marks) = (lasting(&prefs, USER), prefs.register("marks", open, json!({})).await);
    let patches: Vec<_> = (0..10).map(|writer| document(json!({format!("k{writer}"): writer}))).collect();
    let writes = patches.iter().map(|patch| prefs.client.patch_document(&token, &marks, "*", patch));
    let outcomes = futures_util::future::join_all(writes).await;
    let done = outcomes.into_iter().map(Result::unwrap).count();
    let held = prefs.client.document(&token, &marks).await.unwrap();
    assert_eq!((held.value.len(), held.etag), (done, format!("\"1.0.{done}\"")));
}

#[actix_web::test]
async fn a_schema_that_changes_meanwhile_is_never_written_against() {
    let prefs = spawn().await;
    let counter = counter(&prefs).await;
    let token = lasting(&prefs, USER);
    let number = || closed(json!({"count": {"type": "integer"}}));
    let word = || closed(json!({"count": {"type": "string"}}));
    let change = async {
        for _ in 0..10 {
            prefs.replace(&counter, word(), json!({"count": "none"})).await;
            prefs.replace(&counter, number(), json!({"count": 0})).await;
        }
    };
    let write = async {
        for count in 0..60 {
            let outcome = prefs.client.replace_document(&token, &counter, "*", &counted(count)).await;
            let refused_as = outcome.err().map(|why| match why {
                CallError::Refused(problem) => problem.status,
                other => panic!("{other:?}"),
            });
            assert!(matches!(refused_as, None | Some(409 | 422)), "{refused_as:?}");
            let read = prefs.client.document(&token, &counter).await.unwrap();
            let fits = |value: &serde_json::Value| value.is_i64() || *value == "none";
            assert!(fits(&read.value["count"]), "{read:?}");
        }
    };
    futures_util::future::join(change, write).await;
}
