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

/// Or else a round could begin behind an event that commits later.
#[actix_web::test]
async fn a_transaction_has_its_number_before_it_draws_one_of_the_log() {
    let publisher = Side::new().await;
    let gate = publisher.database.connect().await;
    gate.batch_execute("BEGIN; ALTER SEQUENCE events_seq_seq NO CYCLE").await.unwrap();
    let drawing = publisher.publish("a", 1);
    let waits = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                 WHERE l.relation = 'events_seq_seq'::regclass AND NOT l.granted AND a.backend_xid IS NOT NULL";
    let look = async {
        until("a draw with a number", async || publisher.number(waits).await == 1).await;
        gate.batch_execute("COMMIT").await.unwrap();
    };
    futures_util::future::join(drawing, look).await;
    assert_eq!(publisher.number("SELECT count(*) FROM events").await, 1);
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

const CASES: usize = 24;
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
/// Gives the committed versions of each thing, in their order.
async fn play(clients: &[Client], relay: &mut events::Relay, case: usize, acts: &[Act]) -> Vec<Vec<i64>> {
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
                publish_by(&clients[writer], &name(case, thing), versions[thing]).await;
                pending[writer].push((thing, versions[thing]));
            }
            Act::Commit(writer) | Act::RollBack(writer) if open[writer] => {
                let commits = matches!(act, Act::Commit(_));
                let end = if commits { "COMMIT" } else { "ROLLBACK" };
                clients[writer].batch_execute(end).await.unwrap();
                open[writer] = false;
                for (thing, version) in pending[writer].drain(..).filter(|_| commits) {
                    committed[thing].push(version);
                }
                owner.iter_mut().filter(|by| **by == Some(writer)).for_each(|by| *by = None);
            }
            Act::Read => while relay.step().await {},
            _ => {}
        }
    }
    committed
}

fn name(case: usize, thing: usize) -> String {
    format!("{case}/t{thing}")
}

/// One after the other on the same log, so that most begin where others ended.
#[actix_web::test]
async fn any_history_is_told_exactly_once_and_in_order_of_each_thing() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let mut relay = relay(&publisher, &issuer, &there.url);
    let mut clients = Vec::new();
    for _ in 0..WRITERS {
        clients.push(publisher.database.connect().await);
    }
    let mut runner = TestRunner::deterministic();
    let mut histories = Vec::new();
    for case in 0..CASES {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let committed = play(&clients, &mut relay, case, &acts).await;
        histories.push((acts, committed));
    }
    let count: usize = histories.iter().flat_map(|(_, committed)| committed).map(Vec::len).sum();
    until("all of it", async || receiver.effects().await.len() >= count).await;
    let effects = receiver.effects().await;
    assert_eq!(effects.len(), count);
    for (case, (acts, committed)) in histories.iter().enumerate() {
        for (thing, wanted) in committed.iter().enumerate() {
            let prefix = format!("{}:", name(case, thing));
            let told = effects.iter().filter_map(|effect| effect.strip_prefix(&prefix)?.parse().ok());
            assert_eq!(&told.collect::<Vec<i64>>(), wanted, "{acts:?}");
        }
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
