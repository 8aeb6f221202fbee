//! A request with a key acts once: sent a hundred times at once, sent again after auth
//! died in the middle of it, and with Redis away.

use std::time::{Duration, Instant};

use e2e::{Plinth, Somebody, Tables};
use futures_util::future::join_all;
use ids::UserId;
use reqwest::{Response, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Somebody who bans.
struct Admin<'a> {
    plinth: &'a Plinth,
    who: Somebody,
    http: reqwest::Client,
}

impl<'a> Admin<'a> {
    async fn of(plinth: &'a Plinth) -> Self {
        Self { plinth, who: Somebody::administer(plinth).await, http: testing::http() }
    }

    async fn ban(&self, user: UserId, key: &str, reason: &str) -> Response {
        let url = format!("{}/api/v1/admin/users/{user}/ban", self.plinth.url());
        let request = self.http.post(url).bearer_auth(self.who.token().expose());
        let request = request.header("idempotency-key", key).json(&json!({ "reason": reason }));
        request.send().await.unwrap()
    }

    /// The same until it is done.
    async fn ban_at_last(&self, user: UserId, key: &str) -> Response {
        let began = Instant::now();
        loop {
            let reply = self.ban(user, key, "spam").await;
            if reply.status() == StatusCode::NO_CONTENT {
                return reply;
            }
            let again = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::BAD_GATEWAY, StatusCode::CONFLICT];
            assert!(again.contains(&reply.status()), "{reply:?}");
            assert!(began.elapsed() < Duration::from_secs(60), "{reply:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn is_replayed(reply: &Response) -> bool {
    reply.headers().get("idempotency-replayed").is_some_and(|told| told == "true")
}

/// Holds that the user was banned so often: by the log of what was done, by what the
/// others are told, and by what makes tokens void.
async fn banned(auth: &Tables, user: UserId, times: i64) {
    let audited =
        format!("SELECT count(*) FROM audit_log WHERE action = 'user.banned' AND target = '{user}'");
    let told = format!(
        "SELECT count(*) FROM events
         WHERE type = 'user.updated' AND aggregate = '{user}' AND data ->> 'changed' = 'banned'"
    );
    let voided = format!("SELECT count(*) FROM revocations WHERE subject = '{user}' AND reason = 'ban'");
    auth.hold(&[(&audited, times), (&told, times), (&voided, times)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_equal_keys_at_once_have_one_effect() {
    let plinth = Plinth::start().await;
    let auth = Tables::of(&plinth, "auth");
    let (root, other) = (Admin::of(&plinth).await, Admin::of(&plinth).await);
    let (ada, bob) = (Somebody::arrive(&plinth).await, Somebody::arrive(&plinth).await);
    let (user, next) = (ada.id().await, bob.id().await);
    let replies = join_all((0..100).map(|_| root.ban(user, "k", "spam"))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status() == 204 && !is_replayed(reply)).count(), 1);
    for reply in replies {
        if reply.status() != StatusCode::NO_CONTENT {
            assert_eq!(
                (reply.status().as_u16(), &reply.headers()["retry-after"]),
                (409, &"1".parse().unwrap())
            );
            assert_eq!(reply.json::<Value>().await.unwrap()["code"], "idempotency_in_flight");
        }
    }
    banned(&auth, user, 1).await;

    root.who.auth.unban(root.who.token(), user).await.unwrap();
    plinth.signal("redis", Signal::STOP);
    assert!(is_replayed(&root.ban_at_last(user, "k").await), "without Redis, too");
    let reused = root.ban(user, "k", "another reason").await;
    assert_eq!(reused.status(), 422);
    assert_eq!(reused.json::<Value>().await.unwrap()["code"], "idempotency_key_reused");
    plinth.signal("redis", Signal::CONT);
    banned(&auth, user, 1).await;
    assert!(ada.log_in_again().await.is_ok(), "no repetition banned");

    assert!(!is_replayed(&other.ban_at_last(user, "k").await), "another organisation's key is another");
    banned(&auth, user, 2).await;
    assert!(!is_replayed(&root.ban_at_last(next, "k").await), "another act");
    banned(&auth, next, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_auth_died_of_acts_once_when_it_is_sent_again() {
    let plinth = Plinth::start().await;
    let auth = Tables::of(&plinth, "auth");
    let root = Admin::of(&plinth).await;
    let mut users = Vec::new();
    for _ in 0..12 {
        users.push(Somebody::arrive(&plinth).await.id().await);
    }
    // In the middle of its transaction, for sure: it waits for a row that is locked.
    let (held, rest) = users.split_first().unwrap();
    let lock = auth.connect().await.unwrap();
    lock.batch_execute(&format!("BEGIN; SELECT FROM users WHERE id = '{}' FOR UPDATE", held.uuid()))
        .await
        .unwrap();
    let dying = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                       AND datname = current_database()";
        auth.until(waiting, 1, Duration::from_secs(30)).await;
        plinth.kill("auth");
    };
    let (reply, ()) = tokio::join!(root.ban(*held, "k", "spam"), dying);
    assert!(reply.status().is_server_error(), "{reply:?}");
    drop(lock);
    assert!(!is_replayed(&root.ban_at_last(*held, "k").await), "nothing had happened");
    banned(&auth, *held, 1).await;
    // At any moment, the one between commit and answer included.
    for some in rest.chunks(4) {
        plinth.recovered().await;
        let dying = async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            plinth.kill("auth");
        };
        tokio::join!(join_all(some.iter().map(|user| root.ban(*user, "k", "spam"))), dying);
        join_all(some.iter().map(|user| root.ban_at_last(*user, "k"))).await;
        for user in some {
            banned(&auth, *user, 1).await;
        }
    }
}
