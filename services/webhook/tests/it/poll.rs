//! Endpoints that are not posted to.

use std::time::Duration;

use contract_webhook::{
    DeliveryState, EndpointId, EndpointPatch, MessageId, NewEndpoint, NewMessage, PolledMessage, Replay,
    Resend,
};
use ids::Timestamp;
use serde_json::{json, value::to_raw_value};

use crate::{
    receiver::Receiver,
    spawn::{Webhook, refused, spawn},
};

impl Webhook {
    async fn say(&self, token: &str, event_type: &str, number: i64) -> MessageId {
        let payload = to_raw_value(&json!({"n": number})).unwrap();
        let new = NewMessage { event_type: event_type.to_owned(), payload, event_id: None };
        self.client.send(token, &new).await.unwrap().id
    }

    /// What is offered after the cursor, once it is so many: anything that is open on the same server holds
    /// what comes later back.
    async fn all(
        &self,
        token: &str,
        id: EndpointId,
        mut cursor: Option<String>,
        wanted: usize,
    ) -> (Vec<PolledMessage>, Option<String>) {
        let mut all = Vec::new();
        for _ in 0..600 {
            let page = self.client.poll(token, id, cursor.as_deref()).await.unwrap();
            cursor = page.next_cursor;
            all.extend(page.data);
            if !page.has_more && all.len() >= wanted {
                return (all, cursor);
            }
            tokio::time::sleep(Duration::from_millis(u64::from(!page.has_more) * 20)).await;
        }
        panic!("{} are offered, and not {wanted}", all.len());
    }
}

fn ids(messages: &[PolledMessage]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}

#[actix_web::test]
async fn messages_are_asked_for_in_their_order_and_count_as_delivered_once_the_cursor_is_shown() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let new = NewEndpoint {
        event_types: vec!["a".to_owned()],
        filter: Some(json!({"properties": {"n": {"maximum": 90}}})),
        ..NewEndpoint::polled()
    };
    let endpoint = webhook.client.create_endpoint(&token, &new).await.unwrap();
    assert_eq!(endpoint.url, None);
    let nothing = webhook.client.poll(&token, endpoint.id, None).await.unwrap();
    assert!(nothing.data.is_empty() && nothing.next_cursor.is_none() && !nothing.has_more);

    let mut sent = Vec::new();
    for number in 0..45 {
        sent.push(webhook.say(&token, "a", number).await);
    }
    webhook.say(&token, "b", 0).await;
    webhook.say(&token, "a", 91).await;
    webhook.all(&token, endpoint.id, None, 45).await;
    let first = webhook.client.poll(&token, endpoint.id, None).await.unwrap();
    assert_eq!((first.data.len(), first.has_more), (20, true));
    assert_eq!((&*first.data[3].event_type, first.data[3].data.get()), ("a", r#"{"n":3}"#));
    // Asked for without the cursor, it is the same once more.
    let (all, end) = webhook.all(&token, endpoint.id, None, 45).await;
    assert_eq!(ids(&all), sent);
    let state = async |id| webhook.client.message(&token, id).await.unwrap().deliveries[0].state;
    assert_eq!(state(sent[39]).await, DeliveryState::Delivered);
    assert_eq!(state(sent[44]).await, DeliveryState::Pending, "its cursor was not shown yet");
    let (none, same) = webhook.all(&token, endpoint.id, end.clone(), 0).await;
    assert!(none.is_empty() && same == end);
    assert_eq!(state(sent[44]).await, DeliveryState::Delivered);
    let more = webhook.say(&token, "a", 45).await;
    assert_eq!(ids(&webhook.all(&token, endpoint.id, end, 1).await.0), [more]);
    assert_eq!(webhook.number("SELECT count(*) FROM jobs WHERE kind = 'webhook.deliver'").await, 0);
}

#[actix_web::test]
async fn what_commits_late_is_not_passed_by() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let endpoint = webhook.client.create_endpoint(&token, &NewEndpoint::polled()).await.unwrap();
    let (database, first) = (webhook.database.connect().await, webhook.say(&token, "a", 0).await);
    // It begins before the next message and commits after it.
    let late = MessageId::generate();
    let begin = format!(
        "BEGIN;
         INSERT INTO messages SELECT '{0}', org_id, 'a', NULL, body, now() FROM messages WHERE id = '{1}';
         INSERT INTO deliveries (message_id, endpoint_id, org_id, xid)
         SELECT '{0}', endpoint_id, org_id, pg_current_xact_id() FROM deliveries WHERE message_id = '{1}';",
        late.uuid(),
        first.uuid()
    );
    database.batch_execute(&begin).await.unwrap();
    let second = webhook.say(&token, "a", 1).await;
    let (shown, cursor) = webhook.all(&token, endpoint.id, None, 1).await;
    assert_eq!(ids(&shown), [first], "what is after one that is open waits for it");
    database.batch_execute("COMMIT").await.unwrap();
    assert_eq!(ids(&webhook.all(&token, endpoint.id, cursor, 2).await.0), [late, second]);
}

#[actix_web::test]
async fn what_is_wanted_again_comes_behind_all_others() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let before = webhook.say(&token, "a", 0).await;
    let since = Timestamp::now() - Duration::from_secs(60);
    let endpoint = webhook.client.create_endpoint(&token, &NewEndpoint::polled()).await.unwrap();
    let (first, second) = (webhook.say(&token, "a", 1).await, webhook.say(&token, "a", 2).await);
    let (_, cursor) = webhook.all(&token, endpoint.id, None, 2).await;
    webhook.client.resend(&token, first, &Resend { endpoint_id: Some(endpoint.id) }).await.unwrap();
    let (again, cursor) = webhook.all(&token, endpoint.id, cursor, 1).await;
    assert_eq!(ids(&again), [first]);
    webhook.client.replay(&token, endpoint.id, &Replay { since }).await.unwrap();
    let (missed, _) = webhook.all(&token, endpoint.id, cursor, 1).await;
    assert_eq!(ids(&missed), [before]);
    let listed = webhook.client.deliveries(&token, endpoint.id, None).await.unwrap();
    let listed: Vec<MessageId> = listed.data.iter().map(|one| one.message_id).collect();
    assert_eq!(listed, [second, first, before], "the latest messages first");
}

#[actix_web::test]
async fn only_what_is_polled_is_polled_and_by_whom_it_belongs_to() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let polled = webhook.client.create_endpoint(&token, &NewEndpoint::polled()).await.unwrap();
    let posted = webhook.endpoint(&token, &Receiver::answering("HTTP/1.1 200 OK\r\n\r\n").await.url).await;
    let problem = refused(webhook.client.poll(&token, posted.id, None).await);
    assert_eq!((problem.status, &*problem.code), (409, "webhook_endpoint_not_polled"));
    let problem = refused(webhook.client.test(&token, polled.id).await);
    assert_eq!((problem.status, &*problem.code), (409, "webhook_endpoint_polled"));
    assert_eq!(refused(webhook.client.poll(&webhook.writer(), polled.id, None).await).status, 404);
    for cursor in ["", "x", "AAAA"] {
        let problem = refused(webhook.client.poll(&token, polled.id, Some(cursor)).await);
        assert_eq!((problem.status, &*problem.code), (400, "cursor_invalid"), "{cursor}");
    }
    let patch = EndpointPatch { url: Some("http://127.0.0.1:9/".to_owned()), ..EndpointPatch::default() };
    assert_eq!(refused(webhook.client.update_endpoint(&token, polled.id, &patch).await).status, 422);
}
