//! Connections that are cut, receivers that vanish: nothing is lost, nothing happens twice.

use std::{cell::Cell, collections::BTreeSet, rc::Rc, time::Duration};

use events::publish;
use testing::Issuer;

use crate::spawn::{Changed, Poison, Receiver, Side, relay, run, until};

const THINGS: usize = 40;
const VERSIONS: i64 = 25;

/// Publishes, and again as long as it is not in the log: an answer may be lost.
async fn insist(publisher: &Side, thing: &str, version: i64) {
    let event = Changed { thing: thing.to_owned(), version };
    let is_there = format!("SELECT count(*) FROM events WHERE aggregate = '{thing}' AND version = {version}");
    loop {
        let done = publisher.db.transaction(async |conn| {
            publish(conn, &event).await?;
            Ok::<_, service_kit::db::Error>(())
        });
        if done.await.is_ok() || publisher.number(&is_there).await == 1 {
            return;
        }
    }
}

/// Cuts every connection of the two sides, but not those of the test's own queries, nor those
/// that may become one: nothing was asked on them yet.
async fn cut(side: &Side) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND query <> '' AND query NOT LIKE '%count(*)%' AND query NOT LIKE '%effects ORDER BY%'";
    side.number(sql).await;
}

#[actix_web::test]
async fn cut_connections_and_vanishing_receivers_lose_and_repeat_nothing() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let url = there.url.clone();
    let there = Rc::new(Cell::new(Some(there)));
    let _relays = [run(relay(&publisher, &issuer, &url)), run(relay(&publisher, &issuer, &url))];
    let work = async {
        for version in 1..=VERSIONS {
            let all = (0..THINGS).map(async |thing| insist(&publisher, &format!("t{thing}"), version).await);
            futures_util::future::join_all(all).await;
        }
    };
    let havoc = async {
        for round in 0.. {
            tokio::time::sleep(Duration::from_millis(150)).await;
            cut(if round % 2 == 0 { &publisher } else { &receiver }).await;
            if round % 4 == 3
                && let Some(before) = there.take()
            {
                before.stop().await;
                there.set(Some(Receiver::start(&receiver, &issuer, Some(&url), &Poison::default())));
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = havoc => {}
    }
    let wanted = THINGS * usize::try_from(VERSIONS).unwrap();
    until("all of it", async || receiver.effects().await.len() >= wanted).await;
    let effects = receiver.effects().await;
    assert_eq!(effects.len(), wanted);
    assert_eq!(effects.iter().collect::<BTreeSet<_>>().len(), wanted, "something happened twice");
    for thing in 0..THINGS {
        let prefix = format!("t{thing}:");
        let told: Vec<i64> =
            effects.iter().filter_map(|effect| effect.strip_prefix(&prefix)?.parse().ok()).collect();
        assert_eq!(told, (1..=VERSIONS).collect::<Vec<_>>());
    }
    if let Some(there) = there.take() {
        there.stop().await;
    }
}
