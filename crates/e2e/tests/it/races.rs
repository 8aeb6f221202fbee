//! Many at once, through the gateway.

use std::time::Duration;

use e2e::{Plinth, Somebody};
use futures_util::future::join_all;
use serde_json::json;
use service_discovery::CallError;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_of_one_token_have_one_successor() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let outcomes = join_all((0..50).map(|_| ada.auth.refresh(&ada.tokens.refresh_token))).await;
    let successors: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert!(successors.iter().all(|pair| pair.refresh_token == successors[0].refresh_token));
    for pair in &successors {
        assert!(ada.auth.me(&pair.access_token).await.is_ok(), "nobody is logged out");
    }
    assert!(ada.auth.refresh(&successors[0].refresh_token).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_writers_lose_no_update() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let written = join_all((0..200).map(|writer| increment(&ada, writer))).await;
    assert_eq!(written.len(), 200);
    let appearance = "appearance".parse().unwrap();
    let read = ada.prefs.document(ada.token().expose(), &appearance).await.unwrap();
    // One version a write: as many as there were writers, none lost and none twice.
    assert_eq!(read.etag, "\"1.0.200\"");
}

/// Reads and writes until the write is taken. A busy machine may say that it is busy.
async fn increment(ada: &Somebody, writer: u64) {
    let appearance = "appearance".parse().unwrap();
    let token = ada.token().expose();
    for attempt in 0.. {
        let read = match ada.prefs.document(token, &appearance).await {
            Ok(read) => read,
            Err(error) => {
                come_back(&error).await;
                continue;
            }
        };
        let size = read.value["font_size"].as_u64().unwrap();
        let next = if size >= 20 { 12 } else { size + 1 };
        let patch = json!({ "font_size": next }).as_object().unwrap().clone();
        match ada.prefs.patch_document(token, &appearance, &read.etag, &patch).await {
            Ok(_) => return,
            // Writers that all came back at once would only meet again.
            Err(CallError::Refused(problem)) if problem.status == 412 => {
                let pause = (writer * 7919 + attempt * 104_729) % 1500;
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            Err(error) => come_back(&error).await,
        }
    }
}

/// Waits as a 503 asks, which promises that nothing was written; anything else fails.
async fn come_back(error: &CallError) {
    match error {
        CallError::Refused(problem) if problem.code == "database_unavailable" => {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        CallError::Resting => tokio::time::sleep(Duration::from_secs(1)).await,
        error => panic!("{error:?}"),
    }
}
