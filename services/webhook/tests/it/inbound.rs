//! What providers post to us.

use std::time::Duration;

use aws_lc_rs::hmac;
use contract_webhook::{
    Encoding, HmacOptions, NewEndpoint, NewSource, ReceivedHook, Scheme, Source, SourcePatch,
};
use data_encoding::{BASE64, HEXLOWER};
use futures_util::future::join_all;
use ids::Timestamp;
use reqwest::Response;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Standard;

use crate::{
    receiver::Receiver,
    spawn::{Webhook, refused, spawn},
};

const SECRET: &str = "a-secret-of-the-provider";

fn tag(secret: &str, parts: &[&str]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, parts.concat().as_bytes()).as_ref().to_vec()
}

/// As Stripe signs.
fn stripe(secret: &str, at: i64, body: &str) -> Vec<(&'static str, String)> {
    let signature = HEXLOWER.encode(&tag(secret, &[&at.to_string(), ".", body]));
    vec![("stripe-signature", format!("t={at},v1={signature}"))]
}

fn now() -> i64 {
    Timestamp::now().unix_seconds()
}

fn new(scheme: Scheme) -> NewSource {
    NewSource { name: "theirs".to_owned(), scheme, secret: Some(SECRET.to_owned()), hmac: None }
}

impl Webhook {
    async fn source(&self, token: &str, new: &NewSource) -> Source {
        self.client.create_source(token, new).await.unwrap()
    }

    /// Has something come to a source of its own.
    pub(crate) async fn received(&self, token: &str) {
        let source = self.source(token, &new(Scheme::Stripe)).await;
        let headers = stripe(SECRET, now(), r#"{"id": "evt_1"}"#);
        assert_eq!(self.hook(&source, &headers, r#"{"id": "evt_1"}"#).await.status(), 200);
    }

    async fn hook(&self, source: &Source, headers: &[(&str, String)], body: &str) -> Response {
        let mut request = self.http.post(format!("{}{}", self.base, source.path)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().await.unwrap()
    }

    async fn refused_hook(&self, source: &Source, headers: &[(&str, String)], body: &str) -> (u16, String) {
        let answer = self.hook(source, headers, body).await;
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }
}

#[actix_web::test]
async fn what_a_provider_signs_is_kept_once_and_told_to_customers_as_it_was_written() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let receiver = Receiver::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let new_endpoint =
        NewEndpoint { event_types: vec!["hook.received".to_owned()], ..NewEndpoint::at(&receiver.url) };
    webhook.client.create_endpoint(&token, &new_endpoint).await.unwrap();
    let source = webhook.source(&token, &new(Scheme::Stripe)).await;
    let body = r#"{"id": "evt_1", "type": "invoice.paid", "amount": 123456789012345678901234567890.10}"#;
    let headers = stripe(SECRET, now(), body);
    let kept: ReceivedHook = webhook.hook(&source, &headers, body).await.json().await.unwrap();
    assert!(!kept.duplicate);
    // Sent again, also with another signature, it is the same.
    let again: ReceivedHook =
        webhook.hook(&source, &stripe(SECRET, now() + 1, body), body).await.json().await.unwrap();
    assert_eq!(again, ReceivedHook { id: kept.id, duplicate: true });

    let received = webhook.client.received(&token, source.id, None).await.unwrap().data;
    assert_eq!(received.len(), 1);
    assert_eq!(
        (received[0].event_id.as_deref(), received[0].event_type.as_deref()),
        (Some("evt_1"), Some("invoice.paid"))
    );
    assert_eq!(received[0].payload.get(), body);
    for _ in 0..200 {
        if !receiver.posted().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let posted = receiver.posted();
    assert_eq!(posted.len(), 1);
    let text = String::from_utf8(posted[0].body.clone()).unwrap();
    assert!(text.contains(body), "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["type"], &told["data"]["source_id"]), (&json!("hook.received"), &json!(source.id)));
    let events = "SELECT count(*) FROM events WHERE type = 'hook.received' AND data->>'event_id' = 'evt_1'";
    assert_eq!(webhook.number(events).await, 1);
}

#[actix_web::test]
async fn what_is_not_shown_to_be_the_providers_is_refused_and_not_kept() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let source = webhook.source(&token, &new(Scheme::Stripe)).await;
    let body = r#"{"id": "evt_1"}"#;
    for (headers, code) in [
        (vec![], "signature_missing"),
        (stripe("another-secret", now(), body), "signature_invalid"),
        (stripe(SECRET, now(), "{}"), "signature_invalid"),
        (stripe(SECRET, now() - 400, body), "signature_expired"),
        (stripe(SECRET, now() + 400, body), "signature_expired"),
    ] {
        assert_eq!(webhook.refused_hook(&source, &headers, body).await, (401, code.to_owned()));
    }
    let no_event = "[";
    let wanted = (422, "hook_unreadable".to_owned());
    assert_eq!(webhook.refused_hook(&source, &stripe(SECRET, now(), no_event), no_event).await, wanted);
    let large = format!(r#"{{"id": "evt_2", "a": "{}"}}"#, "x".repeat(1024 * 1024));
    let wanted = (413, "body_too_large".to_owned());
    assert_eq!(webhook.refused_hook(&source, &stripe(SECRET, now(), &large), &large).await, wanted);
    assert_eq!(webhook.number("SELECT count(*) FROM received").await, 0);
    // Its owner alone sees what came.
    let stranger = webhook.writer();
    assert_eq!(refused(webhook.client.received(&stranger, source.id, None).await).status, 404);
    assert_eq!(refused(webhook.client.source_secret(&stranger, source.id).await).status, 404);
    assert_eq!(webhook.client.source_secret(&token, source.id).await.unwrap().secret, SECRET);
}

#[actix_web::test]
async fn a_secret_that_was_replaced_is_good_for_a_day() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let source = webhook.source(&token, &new(Scheme::Stripe)).await;
    let patch = SourcePatch { secret: Some("another-secret".to_owned()), ..SourcePatch::default() };
    webhook.client.update_source(&token, source.id, &patch).await.unwrap();
    for (secret, body) in [(SECRET, r#"{"id": "a"}"#), ("another-secret", r#"{"id": "b"}"#)] {
        assert_eq!(webhook.hook(&source, &stripe(secret, now(), body), body).await.status(), 200, "{secret}");
    }
    let sql = "UPDATE sources SET retires_at = now()";
    webhook.database.connect().await.batch_execute(sql).await.unwrap();
    let body = r#"{"id": "c"}"#;
    assert_eq!(webhook.hook(&source, &stripe(SECRET, now(), body), body).await.status(), 401);
}

#[actix_web::test]
async fn each_scheme_is_verified_as_its_provider_signs() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let body = r#"{"type":"event_callback","event_id":"Ev1","key":"k1"}"#;
    let at = now().to_string();

    let github = webhook.source(&token, &new(Scheme::Github)).await;
    let signature = format!("sha256={}", HEXLOWER.encode(&tag(SECRET, &[body])));
    let headers = [("x-hub-signature-256", signature), ("x-github-delivery", "d1".to_owned())];
    assert_eq!(webhook.hook(&github, &headers, body).await.status(), 200);

    let slack = webhook.source(&token, &new(Scheme::Slack)).await;
    let signed = |body: &str| {
        let signature = format!("v0={}", HEXLOWER.encode(&tag(SECRET, &["v0:", &at, ":", body])));
        [("x-slack-signature", signature), ("x-slack-request-timestamp", at.clone())]
    };
    assert_eq!(webhook.hook(&slack, &signed(body), body).await.status(), 200);
    let hello = r#"{"type":"url_verification","challenge":"3eZbrw1a"}"#;
    let answer: Value = webhook.hook(&slack, &signed(hello), hello).await.json().await.unwrap();
    assert_eq!(answer, json!({"challenge": "3eZbrw1a"}));

    let standard = NewSource { secret: None, ..new(Scheme::StandardWebhooks) };
    let standard = webhook.source(&token, &standard).await;
    let secret = webhook.client.source_secret(&token, standard.id).await.unwrap().secret;
    let signature = Standard::new(&secret).unwrap().sign("m1", now(), body.as_bytes()).unwrap();
    let headers = [
        ("webhook-id", "m1".to_owned()),
        ("webhook-timestamp", now().to_string()),
        ("webhook-signature", format!("v1a,x v1,AAAA {signature}")),
    ];
    assert_eq!(webhook.hook(&standard, &headers, body).await.status(), 200);

    let hmac = HmacOptions {
        header: "X-Shopify-Hmac-Sha256".to_owned(),
        encoding: Encoding::Base64,
        event_id: Some("/key".to_owned()),
        ..HmacOptions::default()
    };
    let shop = webhook.source(&token, &NewSource { hmac: Some(hmac), ..new(Scheme::Hmac) }).await;
    let headers = [("x-shopify-hmac-sha256", BASE64.encode(&tag(SECRET, &[body])))];
    let kept: ReceivedHook = webhook.hook(&shop, &headers, body).await.json().await.unwrap();
    let again: ReceivedHook = webhook.hook(&shop, &headers, body).await.json().await.unwrap();
    assert_eq!((again.id, again.duplicate), (kept.id, true));
    assert_eq!(webhook.number("SELECT count(*) FROM received").await, 4);
}

#[actix_web::test]
async fn of_many_at_once_with_one_id_one_is_kept() {
    let webhook = spawn().await;
    let source = webhook.source(&webhook.writer(), &new(Scheme::Stripe)).await;
    let body = r#"{"id": "evt_1"}"#;
    let headers = stripe(SECRET, now(), body);
    let answers = join_all((0..24).map(|_| webhook.hook(&source, &headers, body))).await;
    let mut fresh = 0;
    for answer in answers {
        fresh += i32::from(!answer.json::<ReceivedHook>().await.unwrap().duplicate);
    }
    assert_eq!(fresh, 1);
    assert_eq!(webhook.number("SELECT count(*) FROM events").await, 1);
    assert_eq!(webhook.number("SELECT events FROM sources").await, 1);
}
