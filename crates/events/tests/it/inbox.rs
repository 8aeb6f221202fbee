//! What a receiver takes, from whom, and what it makes of it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use contract_events::{Batch, Envelope, Received, catalogue_path, inbox_path};
use events::publish;
use ids::{EventId, Timestamp};
use serde_json::{Value, json};
use service_discovery::Service;
use testing::{Issuer, Person};

use crate::spawn::{Ignored, Poison, Receiver, Side, relay, run, token, until};

fn envelope(kind: &str, thing: &str, version: i64) -> Envelope {
    Envelope {
        id: EventId::generate(),
        kind: kind.to_owned(),
        org_id: None,
        aggregate: thing.to_owned(),
        version,
        occurred_at: Timestamp::now(),
        data: json!({"thing": thing, "version": version, "of a later release": true}),
    }
}

/// Pushes `body` as whoever holds `token`; gives the status and the reply.
async fn push(there: &Receiver, token: Option<&str>, body: &Value) -> (u16, Value) {
    let request = testing::http().post(format!("{}{}", there.url, inbox_path("prefs"))).json(body);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let reply = request.send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap_or_default())
}

fn batch(events: &[Envelope]) -> Value {
    serde_json::to_value(Batch { events: events.to_vec() }).unwrap()
}

#[actix_web::test]
async fn only_services_push_and_read_the_catalogue() {
    let (receiver, issuer) = (Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let person = issuer.token(Service::Prefs, &Person::with_scopes("prefs:admin auth:admin"));
    let elsewhere = issuer.token(Service::Auth, &Person::with_scopes(""));
    let own = token(&issuer, Service::Auth);
    let body = batch(&[envelope("thing.changed", "a", 1)]);
    // A person's token is no service's; before revocations are known it is no one's.
    for (token, refused) in [(None, [401, 401]), (Some(&elsewhere), [401, 401]), (Some(&person), [403, 503])]
    {
        let (status, _) = push(&there, token.map(String::as_str), &body).await;
        assert!(refused.contains(&status), "{status}");
    }
    assert_eq!(push(&there, Some(&own), &body).await.0, 200);
    let list = testing::http().get(format!("{}{}", there.url, catalogue_path("prefs")));
    assert_eq!(list.try_clone().unwrap().send().await.unwrap().status(), 401);
    let listed: Value = list.bearer_auth(&own).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["data"][0]["name"], "thing.changed");
    assert_eq!(listed["data"][0]["schema"]["properties"]["version"]["type"], "integer", "{listed}");
}

#[actix_web::test]
async fn unknown_types_publishers_and_fields_do_no_harm() {
    let (receiver, issuer) = (Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let own = token(&issuer, Service::Auth);
    let of_another = token(&issuer, Service::Order);
    let mut body = batch(&[envelope("thing.unheard_of", "a", 1), envelope("thing.changed", "a", 1)]);
    body["more"] = json!(1);
    body["events"][1]["trace"] = json!("of a later release");
    let accepted = |reply: Value| serde_json::from_value::<Received>(reply).unwrap().accepted;
    assert_eq!(accepted(push(&there, Some(&of_another), &body).await.1), 0, "it is not theirs to say");
    assert_eq!(accepted(push(&there, Some(&own), &body).await.1), 1);
    assert_eq!(accepted(push(&there, Some(&own), &body).await.1), 0, "the same again");
    until("the one", async || receiver.effects().await == ["a:1"]).await;
    assert_eq!(receiver.number("SELECT count(*) FROM event_inbox").await, 1);
    let (status, problem) = push(&there, Some(&own), &json!({"events": [{"type": "thing.changed"}]})).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/events/0/id")), "{problem}");
}

#[actix_web::test]
async fn what_comes_too_late_changes_nothing() {
    let (receiver, issuer) = (Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let own = token(&issuer, Service::Auth);
    for version in [1, 3, 2, 4] {
        push(&there, Some(&own), &batch(&[envelope("thing.changed", "a", version)])).await;
    }
    let over = "SELECT count(*) FROM jobs_history WHERE outcome = 'succeeded'";
    until("all four", async || receiver.number(over).await == 4).await;
    assert_eq!(receiver.effects().await, ["a:1", "a:3", "a:4"]);
}

/// A publisher that came from a backup uses versions again.
#[actix_web::test]
async fn what_is_left_out_is_said_and_versions_can_begin_anew() {
    let (receiver, issuer) = (Side::new().await, Issuer::start());
    let said = Said::default();
    let output = said.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || output.clone()).finish();
    let _log = tracing::subscriber::set_default(log);
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let own = token(&issuer, Service::Auth);
    for version in [7, 5] {
        push(&there, Some(&own), &batch(&[envelope("thing.changed", "a", version)])).await;
    }
    until("a warning", async || said.text().contains("an event is left out")).await;
    let text = said.text();
    let line = text.lines().find(|line| line.contains("left out")).unwrap();
    for part in ["WARN", "publisher=auth", "aggregate=\"a\"", "version=5", "handled=7"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    receiver.number("DELETE FROM event_positions WHERE publisher = 'auth' RETURNING version").await;
    push(&there, Some(&own), &batch(&[envelope("thing.changed", "a", 6)])).await;
    until("the next", async || receiver.effects().await == ["a:7", "a:6"]).await;
}

/// What was logged.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_poisonous_event_is_set_aside_and_blocks_its_own_thing_alone() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let poison = Poison::default();
    poison.set(true);
    let there = Receiver::start(&receiver, &issuer, None, &poison);
    let _relay = run(relay(&publisher, &issuer, &there.url));
    for version in 1..=3 {
        publisher.publish("poison", version).await;
        publisher.publish("other", version).await;
    }
    until("the others", async || receiver.effects().await.len() >= 3).await;
    let set_aside = "SELECT count(*) FROM jobs_history WHERE outcome = 'discarded'";
    until("what is set aside", async || receiver.number(set_aside).await == 3).await;
    assert_eq!(receiver.effects().await, ["other:1", "other:2", "other:3"]);
    // Mended: the next one goes through, and the ones set aside would come too late.
    poison.set(false);
    publisher.publish("poison", 4).await;
    until("the next", async || receiver.effects().await.len() >= 4).await;
    assert_eq!(receiver.effects().await[3], "poison:4");
}

#[actix_web::test]
async fn what_nobody_wants_is_told_and_not_kept() {
    let (publisher, receiver, issuer) = (Side::new().await, Side::new().await, Issuer::start());
    let there = Receiver::start(&receiver, &issuer, None, &Poison::default());
    let mut relay = relay(&publisher, &issuer, &there.url);
    publish(&mut publisher.db.connection().await.unwrap(), &Ignored {}).await.unwrap();
    while relay.step().await {}
    publisher.publish("a", 1).await;
    while relay.step().await {}
    until("the one", async || receiver.effects().await == ["a:1"]).await;
    assert_eq!(receiver.number("SELECT count(*) FROM event_inbox").await, 1);
}
