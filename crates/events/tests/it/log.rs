//! What is told, and when: transactions that commit late, are held, or roll back.

use std::time::Duration;

use events::prune;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use testing::{Issuer, TestDatabase};
use tokio_postgres::Client;

use crate::spawn::{Poison, Receiver, Side, relay, run, until};

/// An event by a connection of the test's own.
async fn publish_by(client: &Client, thing: &str, version: i64) {
    let sql = "INSERT INTO events (id, type, aggregate, version, data)
               VALUES (gen_random_uuid(), 'thing.changed', $1, $2,
                       jsonb_build_object('thing', $1::text, 'version', $2::bigint))";
    client.execute(sql, &[&thing, &version]).await.unwrap();
}

/// Writes so that the transaction has a number.
async fn hold(database: &TestDatabase) -> Client {
    let client = database.connect().await;
    client.batch_execute("BEGIN; CREATE TABLE held (); DROP TABLE held").await.unwrap();
    client
}

#[actix_web::test]
async fn an_event_that_commits_late_is_told_late_but_told() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let _relay = run(relay(&publisher, &issuer, &there.url));
    let late = publisher.database.connect().await;
    late.batch_execute("BEGIN").await.unwrap();
    publish_by(&late, "late", 1).await;
    publisher.publish("early", 1).await;
    until("the early one", async || receiver.effects().await == ["early:1"]).await;
    late.batch_execute("COMMIT").await.unwrap();
    until("the late one", async || receiver.effects().await == ["early:1", "late:1"]).await;
    assert_eq!(receiver.number("SELECT count(*) FROM event_inbox").await, 2);
}

#[actix_web::test]
async fn a_transaction_that_is_held_holds_up_nobody_in_whatever_database() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let elsewhere = Side::new().await;
    let held = [hold(&publisher.database).await, hold(&elsewhere.database).await];
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let _relay = run(relay(&publisher, &issuer, &there.url));
    for version in 1..=20 {
        publisher.publish("a", version).await;
        until("the next", async || receiver.effects().await.len() == usize::try_from(version).unwrap()).await;
    }
    publish_by(&held[0], "held", 1).await;
    publisher.publish("b", 1).await;
    until("the one after", async || receiver.effects().await.last().is_some_and(|last| last == "b:1")).await;
    held[0].batch_execute("COMMIT").await.unwrap();
    until("the held one", async || receiver.effects().await.last().is_some_and(|last| last == "held:1"))
        .await;
    drop(held);
    assert_eq!(receiver.effects().await.len(), 22);
}

/// What happens in a random history.
#[derive(Clone, Debug)]
enum Act {
    Begin(usize),
    Publish(usize, usize),
    Commit(usize),
    RollBack(usize),
    Read,
}

const WRITERS: usize = 4;
const THINGS: usize = 3;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let writer = 0..WRITERS;
    let act = prop_oneof![
        2 => writer.clone().prop_map(Act::Begin),
        5 => (writer.clone(), 0..THINGS).prop_map(|(writer, thing)| Act::Publish(writer, thing)),
        3 => writer.clone().prop_map(Act::Commit),
        1 => writer.prop_map(Act::RollBack),
        3 => Just(Act::Read),
    ];
    prop::collection::vec(act, 1..60)
}

/// Plays a history: a thing is locked by the writer that changes it, as services do.
/// Gives the committed `thing:version`s of each thing, in their order.
async fn play(publisher: &Side, relay: &mut events::Relay, acts: &[Act]) -> Vec<Vec<String>> {
    let mut clients = Vec::new();
    for _ in 0..WRITERS {
        clients.push(publisher.database.connect().await);
    }
    let mut open = [false; WRITERS];
    let mut owner = [None; THINGS];
    let mut versions = [0_i64; THINGS];
    let mut pending: Vec<Vec<(usize, i64)>> = vec![Vec::new(); WRITERS];
    let mut committed = vec![Vec::new(); THINGS];
    let ends = (0..WRITERS).map(Act::Commit).chain([Act::Read, Act::Read]);
    for act in acts.iter().cloned().chain(ends) {
        match act {
            Act::Begin(writer) if !open[writer] => {
                clients[writer].batch_execute("BEGIN").await.unwrap();
                open[writer] = true;
            }
            Act::Publish(writer, thing) if open[writer] && owner[thing].is_none_or(|by| by == writer) => {
                owner[thing] = Some(writer);
                versions[thing] += 1;
                publish_by(&clients[writer], &format!("t{thing}"), versions[thing]).await;
                pending[writer].push((thing, versions[thing]));
            }
            Act::Commit(writer) | Act::RollBack(writer) if open[writer] => {
                let commits = matches!(act, Act::Commit(_));
                let end = if commits { "COMMIT" } else { "ROLLBACK" };
                clients[writer].batch_execute(end).await.unwrap();
                open[writer] = false;
                for (thing, version) in pending[writer].drain(..).filter(|_| commits) {
                    committed[thing].push(format!("t{thing}:{version}"));
                }
                owner.iter_mut().filter(|by| **by == Some(writer)).for_each(|by| *by = None);
            }
            Act::Read => while relay.step().await {},
            _ => {}
        }
    }
    committed
}

#[actix_web::test]
async fn any_history_is_told_exactly_once_and_in_order_of_each_thing() {
    let issuer = Issuer::start();
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let (publisher, receiver) = (Side::new().await, Side::new().await);
        let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
        let mut relay = relay(&publisher, &issuer, &there.url);
        let committed = play(&publisher, &mut relay, &acts).await;
        let count: usize = committed.iter().map(Vec::len).sum();
        until("all of it", async || receiver.effects().await.len() >= count).await;
        let effects = receiver.effects().await;
        for (thing, wanted) in committed.iter().enumerate() {
            let prefix = format!("t{thing}:");
            let told: Vec<_> = effects.iter().filter(|effect| effect.starts_with(&prefix)).cloned().collect();
            assert_eq!(&told, wanted, "{acts:?}");
        }
        there.stop().await;
    }
}

#[actix_web::test]
async fn what_is_old_goes_once_everybody_was_told() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let mut relay = relay(&publisher, &issuer, &there.url);
    publisher.publish("told", 1).await;
    while relay.step().await {}
    run(relay);
    let written =
        "SELECT count(*) FROM event_subscribers WHERE leased_until IS NULL AND seen::text <> '1:1:'";
    until("the relay to write", async || publisher.number(written).await == 1).await;
    publisher.publish("untold", 1).await;
    let mut conn = publisher.db.connection().await.unwrap();
    assert_eq!(prune(&mut conn, Duration::from_secs(3600)).await.unwrap(), 0, "nothing is an hour old");
    assert_eq!(prune(&mut conn, Duration::ZERO).await.unwrap(), 1);
    assert_eq!(publisher.number("SELECT count(*) FROM events WHERE aggregate = 'untold'").await, 1);
    let mut conn = receiver.db.connection().await.unwrap();
    assert_eq!(prune(&mut conn, Duration::ZERO).await.unwrap(), 1);
}
