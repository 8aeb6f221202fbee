//! How events get there: receivers that are away, come later, or are told twice.

use std::ops::RangeInclusive;

use observability::Metrics;
use service_discovery::Service;
use testing::Issuer;

use crate::spawn::{Poison, Receiver, Side, relay, relay_of, run, token, until};

/// `a:1`, `a:2`, …
fn versions(thing: &str, count: i64) -> Vec<String> {
    (1..=count).map(|version| format!("{thing}:{version}")).collect()
}

const THINGS: i64 = 50;

/// Publishes these versions of many things.
async fn publish_many(publisher: &Side, versions: RangeInclusive<i64>) {
    for version in versions {
        for thing in 0..THINGS {
            publisher.publish(&format!("t{thing}"), version).await;
        }
    }
}

/// Every version of every thing had its effect once, in order.
fn assert_complete(effects: &[String], count: i64) {
    assert_eq!(i64::try_from(effects.len()).unwrap(), THINGS * count);
    for thing in 0..THINGS {
        let (thing, prefix) = (format!("t{thing}"), format!("t{thing}:"));
        let told: Vec<_> = effects.iter().filter(|effect| effect.starts_with(&prefix)).cloned().collect();
        assert_eq!(told, versions(&thing, count));
    }
}

#[actix_web::test]
async fn a_receiver_that_was_away_for_long_catches_up_in_order() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let url = there.url.clone();
    let metrics = Metrics::new("auth").unwrap();
    let _relay = run(relay_of(&publisher.db, token(&issuer, Service::Auth), &url, &metrics));
    publish_many(&publisher, 1..=1).await;
    until("the first", async || receiver.effects().await.len() >= 50).await;
    there.stop().await;
    publish_many(&publisher, 2..=10).await;
    let failing =
        "SELECT count(*) FROM event_subscribers WHERE failing_since IS NOT NULL AND last_error <> ''";
    until("a note", async || publisher.number(failing).await == 1).await;
    let shown = || metrics.render().unwrap();
    let lag = r#"events_pending{subscriber="prefs",service="auth"} 450"#;
    until("the lag", async || shown().contains(lag)).await;
    let _there = Receiver::start(&receiver, &issuer, Some(&url), &Poison::default());
    until("the rest", async || receiver.effects().await.len() >= 500).await;
    assert_complete(&receiver.effects().await, 10);
    until("no note", async || publisher.number(failing).await == 0).await;
}

#[actix_web::test]
async fn one_that_comes_later_is_told_the_whole_log() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    publish_many(&publisher, 1..=9).await;
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let mut relay = relay(&publisher, &issuer, &there.url);
    while relay.step().await {}
    assert_eq!(receiver.number("SELECT count(*) FROM event_inbox").await, 450);
    until("all of them", async || receiver.effects().await.len() >= 450).await;
    assert_complete(&receiver.effects().await, 9);
}

#[actix_web::test]
async fn what_is_told_again_is_known() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    for version in 1..=5 {
        publisher.publish("a", version).await;
    }
    let mut first = relay(&publisher, &issuer, &there.url);
    while first.step().await {}
    // It dies without a word: the next one begins where the database says.
    drop(first);
    publisher.number("UPDATE event_subscribers SET leased_until = now() RETURNING 1::bigint").await;
    let mut second = relay(&publisher, &issuer, &there.url);
    while second.step().await {}
    until("all of them", async || receiver.effects().await.len() >= 5).await;
    assert_eq!(receiver.effects().await, versions("a", 5));
    assert_eq!(receiver.number("SELECT count(*) FROM jobs_history").await, 5);
}

#[actix_web::test]
async fn a_stale_relay_moves_nothing() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let mut stale = relay(&publisher, &issuer, &there.url);
    publisher.publish("a", 1).await;
    while stale.step().await {}
    // It stands still for longer than its lease lasts.
    publisher.number("UPDATE event_subscribers SET leased_until = now() RETURNING 1::bigint").await;
    let mut fresh = relay(&publisher, &issuer, &there.url);
    for version in 2..=3 {
        publisher.publish("a", version).await;
        while fresh.step().await {}
    }
    let stopped = run(fresh);
    drop(stopped);
    let seen = "SELECT pg_snapshot_xmax(seen)::text::bigint FROM event_subscribers";
    let free = "SELECT count(*) FROM event_subscribers WHERE leased_until IS NULL";
    until("the fresh one to write", async || publisher.number(free).await == 1).await;
    let before = publisher.number(seen).await;
    let told = run(stale);
    publisher.publish("a", 4).await;
    until("the fourth", async || receiver.effects().await.len() >= 4).await;
    assert!(publisher.number(seen).await >= before, "the cursor went back");
    assert_eq!(receiver.effects().await, versions("a", 4));
    drop(told);
}

#[actix_web::test]
async fn two_relays_share_a_subscriber_and_one_takes_over() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let (one, other) =
        (run(relay(&publisher, &issuer, &there.url)), run(relay(&publisher, &issuer, &there.url)));
    for version in 1..=10 {
        publisher.publish("a", version).await;
    }
    until("the first ten", async || receiver.effects().await.len() >= 10).await;
    drop(one);
    for version in 11..=20 {
        publisher.publish("a", version).await;
    }
    until("the rest", async || receiver.effects().await.len() >= 20).await;
    assert_eq!(receiver.effects().await, versions("a", 20));
    drop(other);
}

#[actix_web::test]
async fn a_lease_from_before_the_clock_was_put_back_stops_nobody() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let far = "INSERT INTO event_subscribers (name, lease_token, leased_until)
               VALUES ('prefs', gen_random_uuid(), now() + interval '2 hours') RETURNING 1::bigint";
    publisher.number(far).await;
    publisher.publish("a", 1).await;
    let mut relay = relay(&publisher, &issuer, &there.url);
    while relay.step().await {}
    until("the one", async || receiver.effects().await == ["a:1"]).await;
}

/// Whose cursor is ahead of this cluster, and whose is not.
#[actix_web::test]
async fn a_log_that_came_from_another_cluster_is_told_anew_and_loses_nothing() {
    move_log("4000000100:4000000100:").await;
    move_log("3:3:").await;
}

async fn move_log(seen: &str) {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    publisher.publish("a", 1).await;
    let mut before = relay(&publisher, &issuer, &there.url);
    while before.step().await {}
    // As a dump of a cluster whose transactions count from much higher would be.
    // It holds more rows than are settled at once.
    let moved = format!(
        "WITH log AS (UPDATE events SET xid = '4000000000'), more AS (
                     INSERT INTO events (xid, id, type, aggregate, version, data)
                     SELECT '4000000001', gen_random_uuid(), 'thing.ignored', 'nothing', n, '{{}}'
                     FROM generate_series(1, 10001) AS n
                 )
                 UPDATE event_subscribers SET seen = '{seen}', leased_until = now()
                 RETURNING 1::bigint"
    );
    publisher.number(&moved).await;
    publisher.publish("a", 2).await;
    let mut after = relay(&publisher, &issuer, &there.url);
    while after.step().await {}
    until("both", async || receiver.effects().await.len() >= 2).await;
    publisher.publish("a", 3).await;
    while after.step().await {}
    until("the third", async || receiver.effects().await.len() >= 3).await;
    assert_eq!(receiver.effects().await, versions("a", 3));
}
