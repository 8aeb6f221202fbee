use crate::{
    spawn::{answer, spawn},
    thing::{Course, NewThing},
};

const THING: NewThing = NewThing { n: 1, course: Course::Straight };

#[actix_web::test]
async fn after_a_day_a_key_is_new() {
    let things = spawn().await;
    let person = things.person();
    answer(things.make(&person, "k", THING)).await;
    let database = things.database.connect().await;
    let age = "UPDATE idempotency_records SET created_at = created_at - interval '23 hours 59 minutes'";
    database.execute(age, &[]).await.unwrap();
    assert!(answer(things.make(&person, "k", THING)).await.replayed);
    let age = "UPDATE idempotency_records SET created_at = created_at - interval '1 minute'";
    database.execute(age, &[]).await.unwrap();
    let second = answer(things.make(&person, "k", NewThing { n: 2, ..THING })).await;
    assert_eq!((second.status, second.replayed), (201, false), "also where nobody has pruned");
    let again = answer(things.make(&person, "k", NewThing { n: 2, ..THING })).await;
    assert_eq!(again, second.again());
    assert_eq!((things.made().await, things.kept().await), (2, 1));
}

#[actix_web::test]
async fn pruning_leaves_what_holds() {
    let things = spawn().await;
    let person = things.person();
    let first = answer(things.make(&person, "k", THING)).await;
    let old = "INSERT INTO idempotency_records (id, org_id, user_id, sealed, created_at)
               SELECT sha256(n::text::bytea), gen_random_uuid(), gen_random_uuid(), '', now() - interval '25 hours'
               FROM generate_series(1, 2500) n";
    things.database.connect().await.execute(old, &[]).await.unwrap();
    let mut connection = things.state.db.connection().await.unwrap();
    assert_eq!(idempotency::prune(&mut connection).await.unwrap(), 2500);
    assert_eq!(idempotency::prune(&mut connection).await.unwrap(), 0);
    assert_eq!(answer(things.make(&person, "k", THING)).await, first.again());
}
