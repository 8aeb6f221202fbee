use std::time::Instant;

use reqwest::RequestBuilder;

use crate::{
    spawn::{Answer, Things, answer, spawn},
    thing::{Course, NewThing, PATIENCE},
};

const WAITING: NewThing = NewThing { n: 1, course: Course::Waits };

/// Sends until the key is free.
async fn insist(request: impl Fn() -> RequestBuilder) -> Answer {
    let began = Instant::now();
    loop {
        let reply = answer(request()).await;
        let in_flight = reply.status == 409 && reply.code() == "idempotency_in_flight";
        if !in_flight || began.elapsed() > PATIENCE {
            return reply;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn acts_once(things: &Things, request: impl Fn() -> RequestBuilder) {
    assert_eq!((things.made().await, things.kept().await), (0, 0));
    things.state.gate.open.add_permits(1);
    let made = insist(&request).await;
    assert_eq!((made.status, made.replayed), (201, false));
    assert_eq!(answer(request()).await, made.again());
    assert_eq!(things.made().await, 1);
}

#[actix_web::test]
async fn a_connection_that_dies_midway_frees_the_key() {
    let things = spawn().await;
    let person = things.person();
    let request = || things.make(&person, "k", WAITING);
    let kill = async {
        things.state.gate.somebody().await;
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE datname = current_database() AND state = 'idle in transaction'";
        assert_eq!(things.database.connect().await.query(terminate, &[]).await.unwrap().len(), 1);
        things.state.gate.open.add_permits(1);
    };
    let (first, ()) = tokio::join!(answer(request()), kill);
    assert_eq!((first.status, first.code()), (503, "database_unavailable".to_owned()));
    acts_once(&things, request).await;
}

#[actix_web::test]
async fn a_handler_that_is_dropped_midway_frees_the_key() {
    let things = spawn().await;
    let person = things.person();
    tokio::select! {
        status = things.in_this_thread(&person, Some("k"), WAITING) => panic!("{status}"),
        () = things.state.gate.somebody() => {}
    }
    acts_once(&things, || things.make(&person, "k", WAITING)).await;
}

#[actix_web::test]
async fn a_client_that_went_away_asks_again() {
    let things = spawn().await;
    let person = things.person();
    let request = || things.make(&person, "k", WAITING);
    tokio::select! {
        reply = answer(request()) => panic!("{reply:?}"),
        () = things.state.gate.somebody() => {}
    }
    // The first request may go on without it or not: it acts once.
    things.state.gate.open.add_permits(1);
    assert_eq!(insist(request).await.status, 201);
    assert_eq!(things.made().await, 1);
}
