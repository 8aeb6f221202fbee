use std::{collections::BTreeSet, time::Duration};

use contract_webhook::{
    DeliveryState, DisabledReason, Endpoint, Message, MessageId, NewEndpoint, NewMessage, Recover, Resend,
};
use futures_util::future::join_all;
use ids::Timestamp;
use serde_json::{Value, value::RawValue};

use crate::{
    receiver::Receiver,
    spawn::{Webhook, refused, spawn, spawn_with},
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const NO: &str = "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops";

/// Three attempts, one after the other at once.
const AT_ONCE: [(&str, &str); 1] = [("WEBHOOK__DELIVERY__WAITS", "0,0")];

pub(crate) fn message(event_type: &str, payload: &str) -> NewMessage {
    let payload = RawValue::from_string(payload.to_owned()).unwrap();
    NewMessage { event_type: event_type.to_owned(), payload, event_id: None }
}

impl Webhook {
    /// An endpoint that gets these types.
    pub(crate) async fn for_types(&self, token: &str, url: &str, types: &[&str]) -> Endpoint {
        let event_types = types.iter().map(|name| (*name).to_owned()).collect();
        let new = NewEndpoint { event_types, ..NewEndpoint::at(url) };
        self.client.create_endpoint(token, &new).await.unwrap()
    }

    /// Sends a message of this type; how it ended.
    pub(crate) async fn sent(&self, token: &str, event_type: &str) -> Message {
        let event_id = Some(MessageId::generate().to_string());
        let new = NewMessage { event_id, ..message(event_type, "{}") };
        let sent = self.client.send(token, &new).await.unwrap();
        self.ended(token, sent.id).await
    }

    /// Waits until no job is ready or runs.
    pub(crate) async fn idle(&self) {
        for _ in 0..600 {
            if self.number("SELECT count(*) FROM jobs WHERE state <> 'scheduled'").await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("there is always something to do");
    }

    /// Waits until nothing of a message is on its way any more.
    pub(crate) async fn ended(&self, token: &str, id: MessageId) -> Message {
        for _ in 0..600 {
            let message = self.client.message(token, id).await.unwrap();
            if message.deliveries.iter().all(|one| one.state != DeliveryState::Pending) {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it is still on its way");
    }
}

pub(crate) fn state(message: &Message) -> DeliveryState {
    message.deliveries[0].state
}

#[actix_web::test]
async fn a_message_reaches_every_endpoint_that_gets_its_type_and_no_other() {
    let webhook = spawn().await;
    let (token, stranger) = (webhook.writer(), webhook.writer());
    let [all, paid, other, off, foreign] = [(); 5].map(|()| Receiver::answering(OK));
    let (all, paid, other, off, foreign) = (all.await, paid.await, other.await, off.await, foreign.await);
    let everything = webhook.endpoint(&token, &all.url).await;
    webhook.for_types(&token, &paid.url, &["order.refunded", "order.paid"]).await;
    webhook.for_types(&token, &other.url, &["order", "order.paid.late"]).await;
    let put_off = webhook.endpoint(&token, &off.url).await;
    webhook.client.put_on(&token, put_off.id, false).await.unwrap();
    webhook.endpoint(&stranger, &foreign.url).await;

    let sent = webhook.client.send(&token, &message("order.paid", "{\"n\":1.50}")).await.unwrap();
    assert_eq!(sent.deliveries.len(), 2);
    let ended = webhook.ended(&token, sent.id).await;
    assert!(ended.deliveries.iter().all(|one| (one.state, one.attempts) == (DeliveryState::Delivered, 1)));
    let counts = [&all, &paid, &other, &off, &foreign].map(|receiver| receiver.posted().len());
    assert_eq!(counts, [1, 1, 0, 0, 0]);

    let posted = all.posted().pop().unwrap();
    assert_eq!(posted.header("webhook-id"), sent.id.to_string());
    let payload: Value = serde_json::from_slice(&posted.body).unwrap();
    assert_eq!(
        (&payload["type"], &payload["timestamp"]),
        (&"order.paid".into(), &Value::from(sent.created_at.to_string()))
    );
    assert!(
        String::from_utf8(posted.body.clone()).unwrap().ends_with("\"data\":{\"n\":1.50}}"),
        "as it was written"
    );
    let secret = webhook.client.secret(&token, everything.id).await.unwrap().secret;
    standardwebhooks::Webhook::new(&secret).unwrap().verify(&posted.body, &posted.headers).unwrap();

    assert_eq!(refused(webhook.client.message(&stranger, sent.id).await).code, "webhook_message_not_found");
    assert_eq!(refused(webhook.client.attempts(&stranger, sent.id).await).status, 404);
}

#[actix_web::test]
async fn what_fails_is_sent_again_with_the_same_id_and_each_attempt_is_kept() {
    let webhook = spawn_with(&AT_ONCE).await;
    let answers = [NO, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", OK];
    let (token, receiver) =
        (webhook.writer(), Receiver::answering_in_turn(answers.map(str::to_owned).into()).await);
    let endpoint = webhook.endpoint(&token, &receiver.url).await;
    let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    let ended = webhook.ended(&token, sent.id).await;
    assert_eq!((state(&ended), ended.deliveries[0].attempts), (DeliveryState::Delivered, 3));
    let attempts = webhook.client.attempts(&token, sent.id).await.unwrap().data;
    let told: Vec<_> = attempts.iter().map(|one| (one.status, one.response.as_str())).collect();
    assert_eq!(told, [(Some(500), "oops"), (Some(302), ""), (Some(204), "")]);
    assert!(attempts.iter().all(|one| one.endpoint_id == endpoint.id));
    let ids: BTreeSet<String> =
        receiver.posted().iter().map(|post| post.header("webhook-id").to_owned()).collect();
    assert_eq!(ids, [sent.id.to_string()].into());
    let bodies: BTreeSet<Vec<u8>> = receiver.posted().into_iter().map(|post| post.body).collect();
    assert_eq!(bodies.len(), 1);
}

#[actix_web::test]
async fn what_always_fails_ends_and_is_no_dead_letter() {
    let webhook = spawn_with(&AT_ONCE).await;
    let token = webhook.writer();
    webhook.endpoint(&token, "http://127.0.0.1:9999/").await;
    let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    let ended = webhook.ended(&token, sent.id).await;
    assert_eq!((state(&ended), ended.deliveries[0].attempts), (DeliveryState::Failed, 3));
    assert_eq!(ended.deliveries[0].next_attempt_at, None);
    let attempts = webhook.client.attempts(&token, sent.id).await.unwrap().data;
    assert!(attempts.iter().all(|one| one.error.as_deref() == Some("connection_failed")), "{attempts:?}");
    assert_eq!(webhook.number("SELECT count(*) FROM jobs_history WHERE outcome <> 'succeeded'").await, 0);
}

#[actix_web::test]
async fn an_endpoint_that_is_gone_for_good_is_put_off_and_the_rest_is_skipped() {
    let webhook = spawn_with(&AT_ONCE).await;
    let gone = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
    let (token, receiver) = (webhook.writer(), Receiver::answering(gone).await);
    let new = NewEndpoint { ordered: true, ..NewEndpoint::at(&receiver.url) };
    let endpoint = webhook.client.create_endpoint(&token, &new).await.unwrap();
    let first = webhook.client.send(&token, &message("a", "1")).await.unwrap();
    let second = webhook.client.send(&token, &message("a", "2")).await.unwrap();
    assert_eq!(state(&webhook.ended(&token, first.id).await), DeliveryState::Failed);
    // It may have been accepted after the endpoint was put off.
    let second = webhook.ended(&token, second.id).await;
    assert!(second.deliveries.iter().all(|one| one.state == DeliveryState::Skipped), "{second:?}");
    assert_eq!(receiver.posted().len(), 1);
    let off = webhook.client.endpoint(&token, endpoint.id).await.unwrap();
    assert_eq!((off.enabled, off.disabled_reason), (false, Some(DisabledReason::Gone)));
    let on = webhook.client.put_on(&token, endpoint.id, true).await.unwrap();
    assert_eq!((on.enabled, on.disabled_reason, on.failing_since), (true, None, None));
}

#[actix_web::test]
async fn an_endpoint_that_fails_for_five_days_is_put_off_and_one_success_is_enough() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "0")]).await;
    let answers = [NO, OK, NO, NO, NO].map(str::to_owned);
    let (token, receiver) = (webhook.writer(), Receiver::answering_in_turn(answers.into()).await);
    let id = webhook.endpoint(&token, &receiver.url).await.id;
    let send = async || {
        let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
        let ended = webhook.ended(&token, sent.id).await;
        (state(&ended), webhook.client.endpoint(&token, id).await.unwrap())
    };
    let database = webhook.database.connect().await;
    let age = async |days: i32| {
        let sql = "UPDATE endpoints SET failing_since = failing_since - make_interval(days => $1)";
        database.execute(sql, &[&days]).await.unwrap();
    };
    let (sent, endpoint) = send().await;
    assert_eq!((sent, endpoint.failing_since), (DeliveryState::Delivered, None), "it succeeded at last");
    let (sent, endpoint) = send().await;
    assert!(sent == DeliveryState::Failed && endpoint.enabled && endpoint.failing_since.is_some());
    age(4).await;
    assert!(send().await.1.enabled);
    age(1).await;
    let (_, endpoint) = send().await;
    assert_eq!((endpoint.enabled, endpoint.disabled_reason), (false, Some(DisabledReason::Failing)));
}

#[actix_web::test]
async fn an_endpoint_that_wants_to_be_left_alone_is() {
    let webhook = spawn_with(&AT_ONCE).await;
    let busy = "HTTP/1.1 429 Slowly\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n".to_owned();
    let (token, receiver) = (webhook.writer(), Receiver::answering_in_turn(vec![busy, OK.to_owned()]).await);
    webhook.endpoint(&token, &receiver.url).await;
    let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    assert_eq!(state(&webhook.ended(&token, sent.id).await), DeliveryState::Delivered);
    let posted = receiver.posted();
    assert_eq!(posted.len(), 2);
    assert!(posted[1].at - posted[0].at >= Duration::from_secs(2), "{posted:?}");
}

#[actix_web::test]
async fn messages_to_an_ordered_endpoint_arrive_in_their_order_whatever_fails() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "0,0,0,0,0,0,0,0,0")]).await;
    // Two of three attempts fail, and so no message is given up.
    let answers = (0..90).map(|number| if number % 3 == 2 { OK } else { NO }.to_owned());
    let (token, receiver) = (webhook.writer(), Receiver::answering_in_turn(answers.collect()).await);
    let new = NewEndpoint { ordered: true, ..NewEndpoint::at(&receiver.url) };
    webhook.client.create_endpoint(&token, &new).await.unwrap();
    let mut sent = Vec::new();
    for number in 0..15 {
        sent.push(webhook.client.send(&token, &message("a", &number.to_string())).await.unwrap().id);
    }
    for id in &sent {
        assert_eq!(state(&webhook.ended(&token, *id).await), DeliveryState::Delivered);
    }
    let arrived = receiver.posted().into_iter().enumerate().filter(|(place, _)| place % 3 == 2);
    let arrived: Vec<String> = arrived.map(|(_, post)| post.header("webhook-id").to_owned()).collect();
    assert_eq!(arrived, sent.iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[actix_web::test]
async fn of_many_with_one_id_of_their_senders_one_is_sent() {
    let webhook = spawn().await;
    let (token, receiver) = (webhook.writer(), Receiver::answering(OK).await);
    webhook.endpoint(&token, &receiver.url).await;
    let new = NewMessage { event_id: Some("paid-1042".to_owned()), ..message("order.paid", "{\"x\":1}") };
    let all = join_all((0..20).map(|_| webhook.client.send(&token, &new))).await;
    let ids: BTreeSet<String> = all.into_iter().map(|sent| sent.unwrap().id.to_string()).collect();
    assert_eq!(ids.len(), 1);
    let other = NewMessage { event_id: new.event_id.clone(), ..message("order.paid", "{\"x\":2}") };
    let problem = refused(webhook.client.send(&token, &other).await);
    assert_eq!((problem.status, problem.code.as_str()), (409, "event_id_reused"));
    let stranger = webhook.client.send(&webhook.writer(), &new).await.unwrap();
    assert!(!ids.contains(&stranger.id.to_string()));
    webhook.ended(&token, ids.first().unwrap().parse().unwrap()).await;
    assert_eq!(receiver.posted().len(), 1);
}

#[actix_web::test]
async fn a_message_that_cannot_be_is_refused_with_what_to_mend() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let new = NewMessage { event_id: Some(String::new()), ..message("order paid", "{}") };
    let problem = refused(webhook.client.send(&token, &new).await);
    let pointers: Vec<&str> = problem.errors.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!((problem.status, pointers), (422, vec!["/event_type", "/event_id"]));
    assert_eq!(webhook.number("SELECT count(*) FROM messages").await, 0);
}

#[actix_web::test]
async fn a_message_is_sent_once_more_where_it_went_and_elsewhere_if_that_is_named() {
    let webhook = spawn_with(&AT_ONCE).await;
    let token = webhook.writer();
    let (first, other) = (Receiver::answering(OK).await, Receiver::answering(OK).await);
    webhook.for_types(&token, &first.url, &["a"]).await;
    let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    webhook.ended(&token, sent.id).await;
    let elsewhere = webhook.for_types(&token, &other.url, &["b"]).await;
    webhook.client.resend(&token, sent.id, &Resend::default()).await.unwrap();
    let named = Resend { endpoint_id: Some(elsewhere.id) };
    webhook.client.resend(&token, sent.id, &named).await.unwrap();
    let attempts = async || webhook.client.attempts(&token, sent.id).await.unwrap().data.len();
    for _ in 0..400 {
        if attempts().await == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((first.posted().len(), other.posted().len()), (2, 1));
    let ended = webhook.ended(&token, sent.id).await;
    assert!(ended.deliveries.iter().all(|one| one.state == DeliveryState::Delivered), "{ended:?}");
    webhook.client.put_on(&token, elsewhere.id, false).await.unwrap();
    let off = refused(webhook.client.resend(&token, sent.id, &named).await);
    assert_eq!((off.status, off.code.as_str()), (409, "webhook_endpoint_not_on"));
    let stranger = webhook.writer();
    assert_eq!(refused(webhook.client.resend(&stranger, sent.id, &named).await).status, 404);
}

/// Svix's own failure: there it cancels them.
#[actix_web::test]
async fn a_resend_that_fails_leaves_the_automatic_attempts_as_they_were() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "4")]).await;
    let answers = [NO, NO, OK].map(str::to_owned);
    let (token, receiver) = (webhook.writer(), Receiver::answering_in_turn(answers.into()).await);
    webhook.endpoint(&token, &receiver.url).await;
    let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    let waits = async |posts: usize| {
        for _ in 0..400 {
            if receiver.posted().len() >= posts {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it was not sent {posts} times");
    };
    waits(1).await;
    webhook.client.resend(&token, sent.id, &Resend::default()).await.unwrap();
    waits(2).await;
    let ended = webhook.ended(&token, sent.id).await;
    assert_eq!((state(&ended), ended.deliveries[0].attempts), (DeliveryState::Delivered, 2));
    let posted = receiver.posted();
    assert_eq!(posted.len(), 3);
    assert!(posted[2].at - posted[0].at >= Duration::from_millis(3_500), "as it was planned");
}

#[actix_web::test]
async fn a_resend_that_succeeds_ends_the_automatic_attempts() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "3")]).await;
    let answers = [NO, OK].map(str::to_owned);
    let (token, receiver) = (webhook.writer(), Receiver::answering_in_turn(answers.into()).await);
    webhook.endpoint(&token, &receiver.url).await;
    let sent = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    while receiver.posted().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    webhook.client.resend(&token, sent.id, &Resend::default()).await.unwrap();
    assert_eq!(state(&webhook.ended(&token, sent.id).await), DeliveryState::Delivered);
    while webhook.number("SELECT count(*) FROM jobs WHERE kind = 'webhook.deliver'").await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.posted().len(), 2);
}

/// A thousand of them, in pages; those that were delivered are none of them.
#[actix_web::test]
async fn what_an_endpoint_missed_is_sent_again_each_once() {
    let webhook = spawn().await;
    let (token, receiver) = (webhook.writer(), Receiver::answering(OK).await);
    let new = NewEndpoint { rate_limit: 10_000, ..NewEndpoint::at(&receiver.url) };
    let id = webhook.client.create_endpoint(&token, &new).await.unwrap().id;
    let delivered = webhook.client.send(&token, &message("a", "{}")).await.unwrap();
    webhook.ended(&token, delivered.id).await;
    let database = webhook.database.connect().await;
    // As 1,200 failures left them; a tenth of an hour before, so that those are too old.
    let failed = "
        WITH m AS (
            INSERT INTO messages (id, org_id, event_type, body, created_at)
            SELECT gen_random_uuid(), m.org_id, 'a', '{}', now() - make_interval(mins => n % 10 * 6)
            FROM messages m, generate_series(1, 1200) n RETURNING id, org_id
        )
        INSERT INTO deliveries (message_id, endpoint_id, org_id, state, attempts)
        SELECT m.id, e.id, e.org_id, CASE WHEN random() < 0.5 THEN 'failed' ELSE 'skipped' END, 10
        FROM m, endpoints e";
    database.execute(failed, &[]).await.unwrap();
    let since = Timestamp::from_unix_seconds(Timestamp::now().unix_seconds() - 51 * 60).unwrap();
    for _ in 0..2 {
        webhook.client.recover(&token, id, &Recover { since }).await.unwrap();
    }
    for _ in 0..1200 {
        if webhook.number("SELECT count(*) FROM jobs").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let posted = receiver.posted();
    let ids: BTreeSet<String> = posted.iter().map(|post| post.header("webhook-id").to_owned()).collect();
    assert_eq!((posted.len(), ids.len()), (1081, 1081), "1,080 and the first one");
    assert_eq!(webhook.number("SELECT count(*) FROM deliveries WHERE state <> 'delivered'").await, 120);
    webhook.client.put_on(&token, id, false).await.unwrap();
    let off = refused(webhook.client.recover(&token, id, &Recover { since }).await);
    assert_eq!((off.status, off.code.as_str()), (409, "webhook_endpoint_not_on"));
}

#[actix_web::test]
async fn the_list_of_messages_is_whole_and_nobody_elses() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let mut sent = Vec::new();
    for number in 0..25 {
        sent.push(webhook.client.send(&token, &message("a", &number.to_string())).await.unwrap().id);
    }
    webhook.client.send(&webhook.writer(), &message("a", "{}")).await.unwrap();
    let first = webhook.client.messages(&token, None).await.unwrap();
    let rest = webhook.client.messages(&token, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((first.data.len(), rest.next_cursor), (20, None));
    let listed: Vec<MessageId> = first.data.iter().chain(&rest.data).map(|one| one.id).collect();
    assert_eq!(listed, sent);
}
