use crate::{
    spawn::{answer, keyring, spawn},
    thing::{Course, NewThing},
};

const THING: NewThing = NewThing { n: 1, course: Course::Straight };

#[actix_web::test]
async fn a_rotation_of_keys_changes_nothing() {
    let mut things = spawn().await;
    let person = things.person();
    let first = answer(things.make(&person, "k", THING)).await;
    things.restart(keyring(&[2, 1]));
    assert_eq!(answer(things.make(&person, "k", THING)).await, first.again());
}

#[actix_web::test]
async fn without_the_key_that_sealed_it_the_reply_is_lost_but_nothing_acts_twice() {
    let mut things = spawn().await;
    let person = things.person();
    assert_eq!(answer(things.make(&person, "k", THING)).await.status, 201);
    things.restart(keyring(&[2]));
    let again = answer(things.make(&person, "k", THING)).await;
    assert_eq!((again.status, again.code()), (409, "idempotency_reply_lost".to_owned()));
    assert_eq!(things.made().await, 1);
}

#[actix_web::test]
async fn a_record_is_sealed_and_bound_to_its_row() {
    let things = spawn().await;
    let person = things.person();
    for key in ["one", "two"] {
        answer(things.make(&person, key, THING)).await;
    }
    let database = things.database.connect().await;
    let text = "SELECT string_agg(encode(sealed, 'escape'), '') FROM idempotency_records";
    let text: String = database.query_one(text, &[]).await.unwrap().get(0);
    assert!(!text.contains("/things/a"), "{text}");
    let swap =
        "UPDATE idempotency_records a SET sealed = b.sealed FROM idempotency_records b WHERE a.id <> b.id";
    assert_eq!(database.execute(swap, &[]).await.unwrap(), 2);
    assert_eq!(answer(things.make(&person, "one", THING)).await.code(), "idempotency_reply_lost");
}
