//! How fast an endpoint gets its messages, and how little one that hangs harms the others.

use std::time::{Duration, Instant};

use contract_webhook::{DeliveryState, NewEndpoint};

use crate::{
    message::{message, state},
    receiver::Receiver,
    spawn::{spawn, start},
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// Over all processes: the turns are in the database.
#[actix_web::test]
async fn an_endpoint_gets_no_more_a_second_than_it_wants() {
    let webhook = spawn().await;
    let (_, _, other) = start(webhook.database.url(), &webhook.issuer, &[]);
    let (token, receiver) = (webhook.writer(), Receiver::answering(OK).await);
    let new = NewEndpoint { rate_limit: 20, ..NewEndpoint::at(&receiver.url) };
    webhook.client.create_endpoint(&token, &new).await.unwrap();
    let mut sent = Vec::new();
    for number in 0..61 {
        sent.push(webhook.client.send(&token, &message("a", &number.to_string())).await.unwrap().id);
    }
    for id in sent {
        assert_eq!(state(&webhook.ended(&token, id).await), DeliveryState::Delivered);
    }
    drop(other);
    let mut times: Vec<Instant> = receiver.posted().into_iter().map(|post| post.at).collect();
    times.sort_unstable();
    assert_eq!(times.len(), 61);
    assert!(times[60] - times[0] >= Duration::from_millis(2_900), "{:?}", times[60] - times[0]);
}

/// One that hangs holds its own lane alone.
#[actix_web::test]
async fn an_endpoint_that_hangs_delays_no_other() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", hanging.local_addr().unwrap());
    webhook.for_types(&token, &url, &["hang"]).await;
    let receiver = Receiver::answering(OK).await;
    webhook.for_types(&token, &receiver.url, &["go"]).await;
    for _ in 0..300 {
        webhook.client.send(&token, &message("hang", "{}")).await.unwrap();
    }
    let sent = webhook.client.send(&token, &message("go", "{}")).await.unwrap();
    assert_eq!(state(&webhook.ended(&token, sent.id).await), DeliveryState::Delivered);
    assert_eq!(webhook.number("SELECT count(*) FROM jobs WHERE state = 'running'").await, 16);
}
