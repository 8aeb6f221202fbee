use ids::{OrgId, SessionId, UserId};
use testing::Person;

use crate::{
    spawn::{answer, spawn},
    thing::{Course, NewThing},
};

const THING: NewThing = NewThing { n: 1, course: Course::Straight };

#[actix_web::test]
async fn a_repetition_gets_the_reply_again_and_changes_nothing() {
    let things = spawn().await;
    let person = things.person();
    let first = answer(things.make(&person, "k", THING)).await;
    assert_eq!((first.status, first.replayed), (201, false));
    assert_eq!(first.headers[1].as_deref(), Some("/things/a/1"));
    assert_eq!(first.headers[2].as_deref(), Some("\"1\""));
    for key in ["k", "k", "\"k\""] {
        assert_eq!(answer(things.make(&person, key, THING)).await, first.again());
    }
    assert_eq!((things.made().await, things.kept().await), (1, 1));
}

#[actix_web::test]
async fn without_a_key_every_request_acts() {
    let things = spawn().await;
    let person = things.person();
    for _ in 0..2 {
        let made = answer(things.request(&person, "/things/a").json(&THING)).await;
        assert_eq!((made.status, made.replayed), (201, false));
    }
    assert_eq!((things.made().await, things.kept().await), (2, 0));
}

#[actix_web::test]
async fn another_body_or_query_is_refused() {
    let things = spawn().await;
    let person = things.person();
    let first = answer(things.make(&person, "k", THING)).await;
    let other = answer(things.make(&person, "k", NewThing { n: 2, ..THING })).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused".to_owned()));
    let query = things.request(&person, "/things/a?x=1").header("idempotency-key", "k").json(&THING);
    assert_eq!(answer(query).await.code(), "idempotency_key_reused");
    let spaced = things.request(&person, "/things/a").header("idempotency-key", "k");
    let spaced = spaced.header("content-type", "application/json").body(r#"{"n": 1, "course": "straight"}"#);
    assert_eq!(answer(spaced).await.code(), "idempotency_key_reused", "bytes are compared, not meaning");
    assert_eq!(answer(things.make(&person, "k", THING)).await, first.again());
    assert_eq!(things.made().await, 1);
}

#[actix_web::test]
async fn what_the_credential_names_belongs_to_the_act() {
    let things = spawn().await;
    let phone = things.person();
    let laptop = Person { sid: SessionId::generate().to_string(), ..phone.clone() };
    for (turn, session) in [&phone, &laptop, &phone, &laptop].into_iter().enumerate() {
        let left = answer(things.request(session, "/leave").header("idempotency-key", "k")).await;
        assert_eq!((left.status, left.replayed), (204, turn > 1));
    }
    assert_eq!(things.made().await, 2);
}

#[actix_web::test]
async fn a_key_is_its_owners_for_one_path() {
    let things = spawn().await;
    let person = things.person();
    let elsewhere = Person { org: OrgId::generate(), ..person.clone() };
    let colleague = Person { user: UserId::generate(), ..person.clone() };
    for other in [&person, &elsewhere, &colleague, &things.person()] {
        let made = answer(things.make(other, "k", THING)).await;
        assert_eq!((made.status, made.replayed), (201, false));
    }
    let path = things.request(&person, "/things/b").header("idempotency-key", "k").json(&THING);
    assert!(!answer(path).await.replayed);
    let session = Person { sid: ids::ApiKeyId::generate().to_string(), ..person };
    assert!(answer(things.make(&session, "k", THING)).await.replayed, "a new login is the same person");
    assert_eq!(things.made().await, 5);
}

#[actix_web::test]
async fn a_failure_keeps_nothing() {
    let things = spawn().await;
    let person = things.person();
    for _ in 0..2 {
        let failed = answer(things.make(&person, "k", NewThing { n: 1, course: Course::Fails })).await;
        assert_eq!((failed.status, failed.code(), failed.replayed), (409, "full".to_owned(), false));
    }
    assert_eq!((things.made().await, things.kept().await), (0, 0));
    assert_eq!(answer(things.make(&person, "k", THING)).await.status, 201, "mended, with the same key");
}

#[actix_web::test]
async fn what_cannot_be_kept_acts_once_all_the_same() {
    let things = spawn().await;
    let person = things.person();
    for (key, course) in [("large", Course::Talks), ("cookie", Course::Bakes)] {
        let new = NewThing { n: 1, course };
        assert_eq!(answer(things.make(&person, key, new)).await.status, 201);
        let again = answer(things.make(&person, key, new)).await;
        assert_eq!((again.status, again.code()), (409, "idempotency_reply_lost".to_owned()), "{key}");
        let other = answer(things.make(&person, key, NewThing { n: 2, course })).await;
        assert_eq!(other.code(), "idempotency_key_reused", "{key}");
    }
    assert_eq!(things.made().await, 2);
    let sealed: Vec<i32> = things
        .database
        .connect()
        .await
        .query("SELECT length(sealed) FROM idempotency_records", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(sealed.iter().all(|length| *length < 100), "{sealed:?}");
}

#[actix_web::test]
async fn a_malformed_key_is_refused_and_a_stranger_first() {
    let things = spawn().await;
    let person = things.person();
    let long = "a".repeat(256);
    for key in ["", "a b", "\"a", &long] {
        let refused = answer(things.make(&person, key, THING)).await;
        assert_eq!((refused.status, refused.code()), (400, "idempotency_key_malformed".to_owned()), "{key}");
    }
    let twice = things.make(&person, "a", THING).header("idempotency-key", "b");
    assert_eq!(answer(twice).await.code(), "idempotency_key_malformed");
    let stranger = things.make(&person, "", THING).header("authorization", "Bearer nonsense");
    assert_eq!(answer(stranger).await.status, 401);
    assert_eq!(things.made().await, 0);
}

#[actix_web::test]
async fn an_operation_without_a_body_has_keys_too() {
    let things = spawn().await;
    let person = things.person();
    let ring = || things.request(&person, "/bell").header("idempotency-key", "k");
    let first = answer(ring()).await;
    assert_eq!((first.status, first.replayed, first.body.as_str()), (204, false, ""));
    assert_eq!(answer(ring()).await, first.again());
    assert_eq!(answer(ring().body("needless")).await, first.again(), "what the handler never reads");
    assert_eq!(things.made().await, 1);
}
