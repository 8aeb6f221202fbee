//! What an endpoint chooses for itself: which payloads it gets, and which headers go with them.

use std::collections::BTreeSet;

use contract_webhook::{EndpointPatch, NewEndpoint, NewMessage, Replay, StatsQuery};
use ids::Timestamp;
use serde_json::{Value, json, value::RawValue};

use crate::{
    receiver::Receiver,
    spawn::{Webhook, refused, spawn},
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

impl Webhook {
    /// Sends this and waits until it is where it goes; how many endpoints that are.
    async fn reached(&self, token: &str, payload: &Value) -> usize {
        let payload = RawValue::from_string(payload.to_string()).unwrap();
        let new = NewMessage { event_type: "order.paid".to_owned(), payload, event_id: None };
        let sent = self.client.send(token, &new).await.unwrap();
        self.ended(token, sent.id).await.deliveries.len()
    }
}

#[actix_web::test]
async fn an_endpoint_with_a_filter_gets_what_fits_it() {
    let webhook = spawn().await;
    let (token, receiver) = (webhook.writer(), Receiver::answering(OK).await);
    let filter =
        json!({"properties": {"amount": {"type": "number", "minimum": 100}}, "required": ["amount"]});
    let new = NewEndpoint { filter: Some(filter.clone()), ..NewEndpoint::at(&receiver.url) };
    let made = webhook.client.create_endpoint(&token, &new).await.unwrap();
    assert_eq!(made.filter, Some(filter));
    for (payload, reached) in [
        (json!({"amount": 100}), 1),
        (json!({"amount": 99.99}), 0),
        (json!({"amount": "100"}), 0),
        (json!({}), 0),
        (json!({"amount": 1e6, "more": true}), 1),
    ] {
        assert_eq!(webhook.reached(&token, &payload).await, reached, "{payload}");
    }
    let all = Receiver::answering(OK).await;
    webhook.endpoint(&token, &all.url).await;
    assert_eq!(webhook.reached(&token, &json!({"amount": 1})).await, 1);
    assert_eq!(webhook.reached(&token, &json!({"amount": 100})).await, 2);
    let patch = EndpointPatch { filter: Some(json!({"required": ["other"]})), ..EndpointPatch::default() };
    webhook.client.update_endpoint(&token, made.id, &patch).await.unwrap();
    assert_eq!(webhook.reached(&token, &json!({"amount": 100})).await, 1, "the new one holds at once");
    let patch = EndpointPatch { filter: Some(Value::Null), ..EndpointPatch::default() };
    assert_eq!(webhook.client.update_endpoint(&token, made.id, &patch).await.unwrap().filter, None);
    assert_eq!(webhook.reached(&token, &json!({})).await, 2);
}

/// What went to another before this one was there; by its types and its filter.
#[actix_web::test]
async fn an_endpoint_that_comes_later_gets_what_it_never_got_each_once() {
    let webhook = spawn().await;
    let (token, other, receiver) =
        (webhook.writer(), Receiver::answering(OK).await, Receiver::answering(OK).await);
    webhook.endpoint(&token, &other.url).await;
    let before = Timestamp::now();
    for amount in 0..250 {
        let payload = RawValue::from_string(json!({"amount": amount}).to_string()).unwrap();
        let new = NewMessage { event_type: "order.paid".to_owned(), payload, event_id: None };
        webhook.client.send(&token, &new).await.unwrap();
    }
    webhook.sent(&token, "order.made").await;
    let new = NewEndpoint {
        event_types: vec!["order.paid".to_owned()],
        filter: Some(json!({"properties": {"amount": {"minimum": 50}}})),
        rate_limit: 10_000,
        ..NewEndpoint::at(&receiver.url)
    };
    let id = webhook.client.create_endpoint(&token, &new).await.unwrap().id;
    assert_eq!(webhook.reached(&token, &json!({"amount": 1000})).await, 2);
    for _ in 0..2 {
        webhook.client.replay(&token, id, &Replay { since: before }).await.unwrap();
    }
    webhook.idle().await;
    webhook.client.replay(&token, id, &Replay { since: before }).await.unwrap();
    webhook.idle().await;
    let posted = receiver.posted();
    let ids: BTreeSet<&str> = posted.iter().map(|post| post.header("webhook-id")).collect();
    assert_eq!((posted.len(), ids.len()), (201, 201));
    let stats = webhook.client.stats(&token, id, &StatsQuery::default()).await.unwrap();
    assert_eq!(
        (stats.delivered, stats.attempts, stats.pending + stats.failed + stats.skipped),
        (201, 201, 0)
    );
    let none = StatsQuery { since: Some(Timestamp::now()) };
    assert_eq!(webhook.client.stats(&token, id, &none).await.unwrap().delivered, 0);
    webhook.client.put_on(&token, id, false).await.unwrap();
    let off = refused(webhook.client.replay(&token, id, &Replay { since: before }).await);
    assert_eq!((off.status, off.code.as_str()), (409, "webhook_endpoint_not_on"));
}

#[actix_web::test]
async fn an_endpoints_own_headers_go_with_each_message_and_are_never_told() {
    let webhook = spawn().await;
    let (token, receiver) = (webhook.writer(), Receiver::answering(OK).await);
    let headers = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let new = NewEndpoint {
        headers: headers(&[("Authorization", "Bearer hunter2"), ("X-Tenant", "a")]),
        ..NewEndpoint::at(&receiver.url)
    };
    let made = webhook.client.create_endpoint(&token, &new).await.unwrap();
    assert_eq!(made.header_names, ["Authorization", "X-Tenant"]);
    webhook.reached(&token, &json!({})).await;
    webhook.client.test(&token, made.id).await.unwrap();
    for post in receiver.posted() {
        assert_eq!((post.header("authorization"), post.header("x-tenant")), ("Bearer hunter2", "a"));
        assert!(post.header("webhook-signature").starts_with("v1,"));
        assert_eq!(post.header("content-type"), "application/json");
    }
    let patch = EndpointPatch { rate_limit: Some(50), ..EndpointPatch::default() };
    webhook.client.update_endpoint(&token, made.id, &patch).await.unwrap();
    webhook.reached(&token, &json!({})).await;
    assert_eq!(receiver.posted()[2].header("x-tenant"), "a", "what a patch does not name stays");
    let patch = EndpointPatch { headers: Some(headers(&[("X-Tenant", "b")])), ..EndpointPatch::default() };
    webhook.client.update_endpoint(&token, made.id, &patch).await.unwrap();
    webhook.reached(&token, &json!({})).await;
    let last = receiver.posted().remove(3);
    assert!(last.header("x-tenant") == "b" && !last.headers.contains_key("authorization"));
    let shown = webhook.http.get(format!("{}/api/v1/webhooks/endpoints/{}", webhook.base, made.id));
    let shown = shown.bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    assert!(!shown.contains("hunter2") && shown.contains("X-Tenant"), "{shown}");
    let stored = "SELECT count(*) FROM endpoints WHERE position('hunter2'::bytea IN headers) > 0";
    assert_eq!(webhook.number(stored).await, 0);
    let new =
        NewEndpoint { headers: headers(&[("Webhook-Signature", "v1,x")]), ..NewEndpoint::at(&receiver.url) };
    let problem = refused(webhook.client.create_endpoint(&token, &new).await);
    assert_eq!((problem.status, problem.errors[0].code.as_str()), (422, "header_reserved"));
}
