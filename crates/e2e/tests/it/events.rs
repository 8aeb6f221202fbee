//! Events among the dead: whatever is killed, each has its effect in the receiver's
//! tables, and once.

use std::time::Duration;

use e2e::{Crowd, Plinth, Somebody, Tables};
use rustix::process::Signal;
use serde_json::json;
use service_discovery::CallError;

/// What prefs hears of.
const TOLD: &str = "SELECT count(*) FROM events WHERE type IN ('user.deleted', 'organization.deleted')";
/// What it heard of.
const TAKEN: &str = "SELECT count(*) FROM event_inbox";
/// What it did because of it, and whose.
const HANDLED: &str = "SELECT count(*) FROM jobs_history
    WHERE kind = 'events.handle_event' AND outcome = 'succeeded'";
const HANDLED_EVENTS: &str = "SELECT count(DISTINCT payload -> 'event' ->> 'id') FROM jobs_history
    WHERE kind = 'events.handle_event' AND outcome = 'succeeded'";
/// Each erasure leaves one note and plans one more for later.
const ERASURES: &str = "SELECT count(*) FROM erasures";
const PLANNED: &str = "SELECT count(*) FROM jobs WHERE kind = 'prefs.erase_documents'";
const PLANNED_OWNERS: &str = "SELECT count(DISTINCT payload) FROM jobs WHERE kind = 'prefs.erase_documents'";
/// What must not be.
const DEAD: &str = "SELECT count(*) FROM jobs_history WHERE outcome <> 'succeeded'";
const WAITING: &str = "SELECT count(*) FROM jobs WHERE kind = 'events.handle_event'";
const DOCUMENTS: &str = "SELECT count(*) FROM documents";

/// Waits until all of auth's events are handled; then holds that each was, once.
async fn each_once(auth: &Tables, prefs: &Tables, documents: i64) {
    let told = auth.number(TOLD).await.unwrap();
    prefs.until(HANDLED, told, Duration::from_secs(180)).await;
    let all = [TAKEN, HANDLED, HANDLED_EVENTS, ERASURES, PLANNED, PLANNED_OWNERS].map(|sql| (sql, told));
    prefs.hold(&all).await;
    prefs.hold(&[(DEAD, 0), (WAITING, 0), (DOCUMENTS, documents)]).await;
}

async fn choose_a_theme(somebody: &Somebody, plinth: &Plinth) {
    let url = format!("{}/api/v1/prefs/appearance", plinth.url());
    let (http, token) = (testing::http(), somebody.token().expose());
    let read = http.get(&url).bearer_auth(token).send().await.unwrap();
    let patch = http.patch(&url).bearer_auth(token).header("if-match", &read.headers()["etag"]);
    let patch = patch.header("content-type", "application/merge-patch+json");
    let reply = patch.body(json!({ "theme": "dark" }).to_string()).send().await.unwrap();
    assert_eq!(reply.status(), 200);
}

/// Deletes the account, however often it takes.
async fn leave(somebody: &Somebody) {
    while somebody.auth.delete_me(somebody.token()).await.is_err() {
        // It may be gone, and the answer lost.
        if let Err(CallError::Refused(problem)) = somebody.log_in_again().await
            && problem.status == 401
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_have_their_effect_once_while_everything_is_killed() {
    let plinth = Plinth::start_only("auth,prefs,gateway").await;
    let (auth, prefs) = (Tables::of(&plinth, "auth"), Tables::of(&plinth, "prefs"));
    let eve = Somebody::arrive(&plinth).await;
    choose_a_theme(&eve, &plinth).await;
    let mut leaving = Vec::new();
    for _ in 0..10 {
        let somebody = Somebody::arrive(&plinth).await;
        choose_a_theme(&somebody, &plinth).await;
        leaving.push(somebody);
    }
    let crowd = Crowd::of(9_980);
    crowd.choose(&prefs.connect().await.unwrap()).await.unwrap();
    let publishing = crowd.go(&auth, 100, Duration::from_millis(100));
    let leaving = async {
        for somebody in &leaving {
            leave(somebody).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let killing = async {
        for part in ["prefs", "auth", "postgres"].repeat(3) {
            plinth.kill_again(part).await;
            tokio::time::sleep(Duration::from_millis(2_500)).await;
        }
    };
    tokio::join!(publishing, leaving, killing);
    plinth.recovered().await;
    assert_eq!(auth.number(TOLD).await.unwrap(), 10_000);
    each_once(&auth, &prefs, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_catches_up_and_redis_is_not_needed() {
    let plinth = Plinth::start().await;
    let (auth, prefs) = (Tables::of(&plinth, "auth"), Tables::of(&plinth, "prefs"));
    let crowd = Crowd::of(1_000);
    crowd.choose(&prefs.connect().await.unwrap()).await.unwrap();
    plinth.signal("redis", Signal::STOP);
    plinth.signal("prefs", Signal::STOP);
    crowd.go(&auth, 100, Duration::from_millis(100)).await;
    // The relay waits for an answer, gives up and tries again, with longer waits.
    let failing = "SELECT count(*) FROM event_subscribers WHERE name = 'prefs' AND failing_since IS NOT NULL";
    auth.until(failing, 1, Duration::from_secs(60)).await;
    prefs.hold(&[(TAKEN, 0), (DOCUMENTS, 2_000)]).await;
    plinth.signal("prefs", Signal::CONT);
    each_once(&auth, &prefs, 0).await;
    auth.until(failing, 0, Duration::from_secs(30)).await;
    plinth.signal("redis", Signal::CONT);
}
