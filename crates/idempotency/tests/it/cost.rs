//! What a key costs, in statements.

use std::cell::RefCell;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::{
    spawn::{Things, spawn},
    thing::{Course, NewThing},
};

thread_local! {
    /// The statements that this thread sent, by their first word.
    static SENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Count;

impl Instrumentation for Count {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
            SENT.with_borrow_mut(|sent| sent.push(word));
        }
    }
}

/// The statements of one request, served in this thread.
async fn statements(things: &Things, key: Option<&str>) -> Vec<String> {
    let person = things.person();
    let mut all = Vec::new();
    // A new connection sends some of its own.
    drop(things.state.db.connection().await.unwrap());
    for _ in 0..2 {
        SENT.with_borrow_mut(Vec::clear);
        let new = NewThing { n: 1, course: Course::Straight };
        assert_eq!(things.in_this_thread(&person, key, new).await, 201);
        all.push(SENT.with_borrow(|sent| sent.join(" ")));
    }
    all
}

#[actix_web::test]
async fn a_key_costs_two_statements_and_none_costs_nothing() {
    set_default_instrumentation(|| Some(Box::new(Count))).unwrap();
    let things = spawn().await;
    assert_eq!(statements(&things, None).await, ["BEGIN INSERT COMMIT"; 2]);
    let keyed = ["BEGIN SELECT INSERT INSERT COMMIT", "BEGIN SELECT COMMIT"];
    assert_eq!(statements(&things, Some("k")).await, keyed);
}
