use futures_util::future::join_all;

use crate::{
    spawn::{answer, spawn},
    thing::{Course, NewThing},
};

const THING: NewThing = NewThing { n: 1, course: Course::Straight };
const WAITING: NewThing = NewThing { n: 1, course: Course::Waits };

#[actix_web::test]
async fn of_a_hundred_at_once_one_acts() {
    let things = spawn().await;
    for round in 0..3 {
        let (person, key) = (things.person(), format!("k{round}"));
        let answers = join_all((0..100).map(|_| answer(things.make(&person, &key, THING)))).await;
        let mut made = answers.iter().filter(|answer| answer.status == 201 && !answer.replayed);
        let first = made.next().unwrap();
        assert_eq!(made.next(), None, "one acts");
        for other in answers.iter().filter(|answer| *answer != first) {
            let in_flight = other.status == 409 && other.code() == "idempotency_in_flight";
            assert!(in_flight || *other == first.again(), "{other:?}");
        }
        assert_eq!(answer(things.make(&person, &key, THING)).await, first.again());
        assert_eq!(things.made().await, round + 1);
    }
}

#[actix_web::test]
async fn while_one_is_in_flight_the_others_are_told_to_come_back() {
    let things = spawn().await;
    let person = things.person();
    let first = answer(things.make(&person, "k", WAITING));
    let second = async {
        things.state.gate.somebody().await;
        let refused = things.make(&person, "k", WAITING).send().await.unwrap();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (409, &"1".parse().unwrap())
        );
        let other = answer(things.make(&person, "other", THING)).await;
        assert_eq!(other.status, 201, "another key waits for nothing");
        things.state.gate.open.add_permits(1);
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first.status, 201);
    assert_eq!(answer(things.make(&person, "k", WAITING)).await, first.again());
}

/// The statement that takes the lock reads with a snapshot that is older than the
/// lock. What was committed in between it cannot see: here the record that a request
/// left is hidden while the next one looks, and is there again when it ends.
#[actix_web::test]
async fn a_record_that_the_snapshot_missed_wins() {
    let things = spawn().await;
    let person = things.person();
    things.state.gate.open.add_permits(1);
    let first = answer(things.make(&person, "k", WAITING)).await;
    things.state.gate.somebody().await;
    let aside = things.database.connect().await;
    let hide = "CREATE TABLE aside AS SELECT * FROM idempotency_records; DELETE FROM idempotency_records";
    aside.batch_execute(hide).await.unwrap();
    let second = answer(things.make(&person, "k", WAITING));
    let meanwhile = async {
        things.state.gate.somebody().await;
        aside.batch_execute("INSERT INTO idempotency_records SELECT * FROM aside").await.unwrap();
        things.state.gate.open.add_permits(1);
    };
    let (second, ()) = tokio::join!(second, meanwhile);
    assert_eq!(second, first.again());
    assert_eq!((things.made().await, things.kept().await), (1, 1), "what the second did is undone");
}
