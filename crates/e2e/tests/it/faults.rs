//! `kill -9` of every part during traffic: nothing but success or a problem that says
//! when to come back, no half-written state, and recovery by itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use e2e::{Plinth, Somebody};
use serde_json::{Value, json};

/// What the traffic saw.
#[derive(Default)]
struct Seen {
    successes: AtomicU32,
    unavailable: AtomicU32,
    stop: AtomicBool,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_may_die_in_the_middle_of_traffic() {
    let plinth = Arc::new(Plinth::start().await);
    let ada = Arc::new(Somebody::arrive(&plinth).await);
    let key = ada.api_key(&["prefs:read"]).await;
    for part in ["prefs", "auth", "redis", "postgres"] {
        let seen = Arc::new(Seen::default());
        let reading = ["/api/v1/prefs/appearance", "/api/v1/auth/me"].map(|path| {
            tokio::spawn(read(Arc::clone(&plinth), ada.token().expose().to_owned(), path, Arc::clone(&seen)))
        });
        let by_key = tokio::spawn(read(
            Arc::clone(&plinth),
            key.expose().to_owned(),
            "/api/v1/prefs/appearance",
            Arc::clone(&seen),
        ));
        let writing = tokio::spawn(write(Arc::clone(&plinth), Arc::clone(&ada), Arc::clone(&seen)));
        tokio::time::sleep(Duration::from_millis(500)).await;
        plinth.kill_through(part).await;
        // Long enough for pools and breakers to have noticed.
        tokio::time::sleep(Duration::from_secs(1)).await;
        seen.stop.store(true, Ordering::Relaxed);
        for task in reading {
            task.await.unwrap();
        }
        by_key.await.unwrap();
        writing.await.unwrap();
        assert!(seen.successes.load(Ordering::Relaxed) > 0, "{part}");
        works(&ada, part).await;
    }
}

async fn read(plinth: Arc<Plinth>, token: String, path: &str, seen: Arc<Seen>) {
    let http = testing::http();
    while !seen.stop.load(Ordering::Relaxed) {
        let reply = http.get(format!("{}{path}", plinth.url())).bearer_auth(&token).send().await;
        accept(reply.unwrap(), &seen, path).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Writes what can be counted: the version grows by one with every success, and never
/// by a write that was refused or left half done.
async fn write(plinth: Arc<Plinth>, ada: Arc<Somebody>, seen: Arc<Seen>) {
    let http = testing::http();
    let url = format!("{}/api/v1/prefs/notifications", plinth.url());
    let token = ada.token().expose();
    while !seen.stop.load(Ordering::Relaxed) {
        let read = http.get(&url).bearer_auth(token).send().await.unwrap();
        let Some(etag) = read.headers().get("etag").cloned() else {
            accept(read, &seen, "GET").await;
            continue;
        };
        let body = json!({ "digest": "weekly" });
        let patch = http.patch(&url).bearer_auth(token).header("if-match", &etag);
        let patch = patch.header("content-type", "application/merge-patch+json").body(body.to_string());
        let reply = patch.send().await.unwrap();
        if let Some(after) = reply.headers().get("etag").filter(|_| reply.status() == 200) {
            assert_eq!(version(after.to_str().unwrap()), version(etag.to_str().unwrap()) + 1);
        }
        accept(reply, &seen, "PATCH").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// That of the user's own layer, which comes last.
fn version(etag: &str) -> u64 {
    etag.trim_matches('"').split('.').next_back().unwrap().parse().unwrap()
}

/// A success, or a 502–504 problem; a 503 says when to come back.
async fn accept(reply: reqwest::Response, seen: &Seen, what: &str) {
    let status = reply.status().as_u16();
    if status == 200 {
        seen.successes.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let retry = reply.headers().contains_key("retry-after");
    let problem: Value = reply.json().await.unwrap();
    assert_eq!(status, 503, "{what}: {problem}");
    assert!(retry, "{what}: {problem}");
    assert!(problem["request_id"].is_string(), "{what}: {problem}");
    seen.unavailable.fetch_add(1, Ordering::Relaxed);
}

async fn works(ada: &Somebody, part: &str) {
    let appearance = "appearance".parse().unwrap();
    assert!(ada.prefs.document(ada.token().expose(), &appearance).await.is_ok(), "after {part}");
    let tokens = ada.log_in_again().await;
    assert!(tokens.is_ok(), "after {part}: {tokens:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_auth_is_down_known_credentials_go_on() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let key = ada.api_key(&["prefs:read"]).await;
    let appearance = "appearance".parse().unwrap();
    ada.prefs.document(key.expose(), &appearance).await.unwrap();
    ada.prefs.document(ada.token().expose(), &appearance).await.unwrap();
    plinth.signal("auth", rustix::process::Signal::STOP);
    for _ in 0..20 {
        assert!(ada.prefs.document(key.expose(), &appearance).await.is_ok());
        assert!(ada.prefs.document(ada.token().expose(), &appearance).await.is_ok());
    }
    plinth.signal("auth", rustix::process::Signal::CONT);
}
