use serde_json::Value;

use crate::{
    receiver::Receiver,
    spawn::{spawn, spawn_with},
};

#[actix_web::test]
async fn a_test_arrives_as_standard_webhooks_has_it() {
    let webhook = spawn().await;
    let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 6\r\n\r\nthanks";
    let (token, receiver) = (webhook.writer(), Receiver::answering(answer).await);
    let id = webhook.endpoint(&token, &receiver.url).await.id;
    let trial = webhook.client.test(&token, id).await.unwrap();
    assert_eq!((trial.delivered, trial.status, trial.response.as_str()), (true, Some(202), "thanks"));

    let posted = receiver.posted().pop().unwrap();
    assert_eq!(posted.line, "POST /hook HTTP/1.1");
    assert_eq!(posted.header("webhook-id"), trial.message_id.to_string());
    assert_eq!(posted.header("content-type"), "application/json");
    assert!(posted.header("user-agent").starts_with("Plinth-Webhook/"));
    let payload: Value = serde_json::from_slice(&posted.body).unwrap();
    assert_eq!(payload["type"], "endpoint.test");
    assert_eq!(payload["data"]["endpoint_id"], id.to_string());
    let secret = webhook.client.secret(&token, id).await.unwrap().secret;
    let official = standardwebhooks::Webhook::new(&secret).unwrap();
    official.verify(&posted.body, &posted.headers).unwrap();
}

#[actix_web::test]
async fn whatever_an_endpoint_answers_is_told_and_only_2xx_is_delivered() {
    let webhook = spawn().await;
    let token = webhook.writer();
    for (answer, delivered, status, error) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, Some(200), None),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", false, Some(302), None),
        ("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", false, Some(410), None),
        ("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false, Some(500), None),
        ("nonsense\r\n\r\n", false, None, Some("broken_answer")),
    ] {
        let receiver = Receiver::answering(answer).await;
        let id = webhook.endpoint(&token, &receiver.url).await.id;
        let trial = webhook.client.test(&token, id).await.unwrap();
        assert_eq!((trial.delivered, trial.status, trial.error.as_deref()), (delivered, status, error));
        assert_eq!(receiver.posted().len(), 1, "{answer:?}: sent once");
    }
    let nobody = webhook.endpoint(&token, "http://127.0.0.1:9999/").await.id;
    let trial = webhook.client.test(&token, nobody).await.unwrap();
    assert_eq!(trial.error.as_deref(), Some("connection_failed"));
}

#[actix_web::test]
async fn an_endpoint_that_is_off_can_be_tried() {
    let webhook = spawn().await;
    let (token, receiver) = (webhook.writer(), Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await);
    let id = webhook.endpoint(&token, &receiver.url).await.id;
    webhook.client.put_on(&token, id, false).await.unwrap();
    assert!(webhook.client.test(&token, id).await.unwrap().delivered);
}

/// What was accepted in development, or before the policy was another.
#[actix_web::test]
async fn nothing_private_is_called_whatever_is_stored() {
    let webhook =
        spawn_with(&[("WEBHOOK__EGRESS__ALLOWED", ""), ("WEBHOOK__EGRESS__CLEAR_TEXT", "true")]).await;
    let (token, receiver) = (webhook.writer(), Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await);
    let id = webhook.endpoint(&token, "http://example.com/").await.id;
    let database = webhook.database.connect().await;
    for url in [receiver.url.clone(), receiver.url.replace("127.0.0.1", "localhost")] {
        database.execute("UPDATE endpoints SET url = $1", &[&url]).await.unwrap();
        let trial = webhook.client.test(&token, id).await.unwrap();
        assert_eq!((trial.delivered, trial.error.as_deref()), (false, Some("url_refused")), "{url}");
    }
    assert!(receiver.posted().is_empty());
}
