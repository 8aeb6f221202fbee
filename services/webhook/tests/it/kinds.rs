//! Endpoints of other kinds: each gets what its provider documents, and a strict stand-in takes nothing else.

use contract_webhook::{DeliveryState, NewEndpoint, NewMessage, PostHogOptions, Speaks};
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    receiver::{Posted, Receiver},
    spawn::{Webhook, refused, spawn_with},
};

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Slack's: "Sending messages using incoming webhooks", with its errors.
fn slack(post: &Posted) -> String {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Message {
        text: String,
    }
    if post.header("content-type") != "application/json" {
        return answer("400 Bad Request", "invalid_payload");
    }
    match serde_json::from_slice::<Message>(&post.body) {
        Ok(message) if message.text.is_empty() => answer("400 Bad Request", "no_text"),
        Ok(message) if message.text.len() > 40_000 => answer("400 Bad Request", "msg_too_long"),
        Ok(_) => answer("200 OK", "ok"),
        Err(_) => answer("400 Bad Request", "invalid_payload"),
    }
}

/// PostHog's: "Capture API", single events.
fn posthog(post: &Posted) -> String {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Event {
        api_key: String,
        event: String,
        distinct_id: String,
        properties: Map<String, Value>,
        timestamp: String,
        uuid: String,
    }
    let Ok(event) = serde_json::from_slice::<Event>(&post.body) else {
        return answer("400 Bad Request", r#"{"type":"validation_error","code":"invalid_payload"}"#);
    };
    if event.api_key != "phc_right" {
        return answer("401 Unauthorized", r#"{"type":"authentication_error","code":"invalid_api_key"}"#);
    }
    let is_uuid = event.uuid.len() == 36 && event.uuid.matches('-').count() == 4;
    let is_right = !event.event.is_empty()
        && event.distinct_id.len() <= 200
        && !event.distinct_id.is_empty()
        && event.timestamp.ends_with('Z')
        && is_uuid
        && !event.properties.is_empty();
    match is_right {
        true => answer("200 OK", r#"{"status":"Ok"}"#),
        false => answer("400 Bad Request", r#"{"type":"validation_error"}"#),
    }
}

/// A REST hook of Zapier and a Webhook node of n8n: an object with what a step may use.
fn object(post: &Posted) -> String {
    let body: Value = serde_json::from_slice(&post.body).unwrap_or_default();
    let keys: Vec<&String> = body.as_object().into_iter().flat_map(Map::keys).collect();
    let is_right = keys == ["data", "id", "timestamp", "type"] && body["id"] == post.header("webhook-id");
    if is_right { answer("200 OK", r#"{"status":"success"}"#) } else { answer("400 Bad Request", "{}") }
}

impl Webhook {
    async fn became(&self, token: &str, payload: &Value) -> Vec<DeliveryState> {
        let payload = RawValue::from_string(payload.to_string()).unwrap();
        let new = NewMessage { event_type: "order.paid".to_owned(), payload, event_id: None };
        let sent = self.client.send(token, &new).await.unwrap();
        self.ended(token, sent.id).await.deliveries.into_iter().map(|one| one.state).collect()
    }
}

#[actix_web::test]
async fn each_kind_gets_what_its_provider_documents() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "0")]).await;
    let key = |api_key: &str| {
        Some(PostHogOptions { api_key: api_key.to_owned(), distinct_id: "/customer/id".to_owned() })
    };
    type Case = (Speaks, fn(&Posted) -> String, Option<PostHogOptions>, DeliveryState);
    let cases: [Case; 6] = [
        (Speaks::Slack, slack, None, DeliveryState::Delivered),
        (Speaks::Zapier, object, None, DeliveryState::Delivered),
        (Speaks::N8n, object, None, DeliveryState::Delivered),
        (Speaks::PostHog, posthog, key("phc_right"), DeliveryState::Delivered),
        (Speaks::PostHog, posthog, key("phc_wrong"), DeliveryState::Failed),
        (Speaks::Webhook, slack, None, DeliveryState::Failed),
    ];
    for (kind, judge, posthog, wanted) in cases {
        let (token, receiver) = (webhook.writer(), Receiver::judging(judge).await);
        let new = NewEndpoint { kind, posthog, ..NewEndpoint::at(&receiver.url) };
        let made = webhook.client.create_endpoint(&token, &new).await.unwrap();
        assert_eq!((made.kind, &made.posthog), (new.kind, &new.posthog));
        let payload = json!({"order_id": "1042", "customer": {"id": "c-7"}, "note": "<b> & more"});
        assert_eq!(webhook.became(&token, &payload).await, [wanted], "{kind:?}");
        let signs = !matches!(kind, Speaks::Slack | Speaks::PostHog);
        let posted = receiver.posted();
        assert!(
            posted.iter().all(|post| post.headers.contains_key("webhook-signature") == signs),
            "{kind:?}"
        );
        let trial = webhook.client.test(&token, made.id).await.unwrap();
        assert_eq!(trial.delivered, wanted == DeliveryState::Delivered, "{kind:?}: {trial:?}");
        if signs {
            let secret = webhook.client.secret(&token, made.id).await.unwrap().secret;
            let verifier = standardwebhooks::Webhook::new(&secret).unwrap();
            verifier.verify(&posted[0].body, &posted[0].headers).unwrap();
        }
    }
}

#[actix_web::test]
async fn what_cannot_be_said_in_a_language_has_failed_and_says_so() {
    let webhook = spawn_with(&[("WEBHOOK__DELIVERY__WAITS", "0")]).await;
    let (token, receiver) = (webhook.writer(), Receiver::judging(slack).await);
    let new = NewEndpoint { kind: Speaks::Slack, ..NewEndpoint::at(&receiver.url) };
    webhook.client.create_endpoint(&token, &new).await.unwrap();
    let payload = RawValue::from_string(format!("{}{}", "[".repeat(500), "]".repeat(500))).unwrap();
    let new = NewMessage { event_type: "a".to_owned(), payload, event_id: None };
    let sent = webhook.client.send(&token, &new).await.unwrap();
    assert_eq!(webhook.ended(&token, sent.id).await.deliveries[0].state, DeliveryState::Failed);
    let attempts = webhook.client.attempts(&token, sent.id).await.unwrap().data;
    assert_eq!(attempts.len(), 2);
    assert!(attempts.iter().all(|one| one.error.as_deref() == Some("message_unfit")), "{attempts:?}");
    assert_eq!(receiver.posted().len(), 0);
}

#[actix_web::test]
async fn posthogs_options_are_wanted_of_posthog_alone() {
    let webhook = spawn_with(&[]).await;
    let token = webhook.writer();
    let options = PostHogOptions { api_key: "phc_1".to_owned(), distinct_id: "/user_id".to_owned() };
    for (kind, posthog, code) in
        [(Speaks::PostHog, None, "missing"), (Speaks::Slack, Some(options), "unwanted")]
    {
        let new = NewEndpoint { kind, posthog, ..NewEndpoint::at("https://example.com/") };
        let problem = refused(webhook.client.create_endpoint(&token, &new).await);
        assert_eq!((problem.status, problem.errors[0].code.as_str()), (422, code));
    }
}
