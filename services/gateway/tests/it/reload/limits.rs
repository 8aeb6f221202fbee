//! How much, how long and how often.

use std::time::Duration;

use futures_util::stream;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::configured::{all, prefs, spawn, spawn_with};
use crate::{
    instance::{Instance, PATH},
    spawn::{eventually, problem},
    upstream::Upstream,
};

#[actix_web::test]
async fn a_shorter_time_holds_for_the_next_request_and_not_for_one_under_way() {
    let instance = Instance::start();
    let gateway = spawn(&all(&[&instance])).await;
    instance.take(Duration::from_millis(1500));
    let slow = actix_web::rt::spawn(gateway.gateway.request(Method::POST, PATH).send());
    eventually("it is under way", || instance.count() == 1).await;
    gateway.apply(&format!("{}[gateway.timeouts]\nfirst_byte_ms = 50\n", all(&[&instance]))).await;
    let next = gateway.gateway.request(Method::POST, PATH);
    assert_eq!(problem(next).await, (504, "upstream_timed_out".to_owned()));
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
}

#[actix_web::test]
async fn a_smaller_body_holds_for_the_next_request_and_not_for_one_under_way() {
    let upstream = Upstream::start("prefs");
    let gateway = spawn(&prefs(&upstream.url)).await;
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<&'static str>();
    let chunks = stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(chunk), receiver))
    });
    let counted = "/api/v1/prefs/count";
    let upload = gateway.gateway.request(Method::POST, counted).body(reqwest::Body::wrap_stream(chunks));
    let upload = actix_web::rt::spawn(upload.send());
    sender.send("one chunk").unwrap();
    eventually("it is under way", || upstream.seen().len() == 1).await;
    gateway.apply(&format!("{}[gateway]\nmax_body_bytes = 4\n", prefs(&upstream.url))).await;
    sender.send(", and another").unwrap();
    drop(sender);
    let answer = upload.await.unwrap().unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, r#"{"bytes":22}"#));
    let next = gateway.gateway.request(Method::POST, counted).body("12345");
    assert_eq!(problem(next).await, (413, "body_too_large".to_owned()));
}

/// Whether a new connection is served.
async fn is_served(address: &str) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok() && answer.starts_with("HTTP/1.1 200")
}

#[actix_web::test]
async fn how_many_connections_one_may_hold_counts_those_that_are_there() {
    let instance = Instance::start();
    let gateway = spawn(&all(&[&instance])).await;
    let limited = |most: usize| format!("{}[gateway]\nconnections_per_address = {most}\n", all(&[&instance]));
    let kept = TcpStream::connect(&gateway.gateway.address).await.unwrap();
    assert!(is_served(&gateway.gateway.address).await);
    gateway.apply(&limited(1)).await;
    assert!(!is_served(&gateway.gateway.address).await);
    gateway.apply(&limited(1000)).await;
    assert!(is_served(&gateway.gateway.address).await);
    drop(kept);
}

#[actix_web::test]
async fn rates_change_and_what_was_counted_counts_on() {
    let upstream = Upstream::start("prefs");
    // Its own address, as counts are kept in the Redis of all tests.
    let client = format!("2001:db8:{:x}:{:x}::1", fastrand::u16(..), fastrand::u16(..));
    let limited = |rate: &str, more: &str| {
        format!(
            "{}[gateway]\ntrusted_proxies = \"127.0.0.0/8\"\n{more}[gateway.limits]\nip = \"{rate}\"\n",
            prefs(&upstream.url)
        )
    };
    let enforced = [("GATEWAY__LIMITS__ENFORCED", "true")];
    let gateway = spawn_with(&limited("off", ""), &enforced).await;
    let get = || gateway.gateway.get(PATH).header("x-forwarded-for", &client);
    for _ in 0..5 {
        assert_eq!(get().send().await.unwrap().status(), 200);
    }
    gateway.apply(&limited("2/d", "")).await;
    for _ in 0..2 {
        assert_eq!(get().send().await.unwrap().status(), 200);
    }
    assert_eq!(problem(get()).await, (429, "rate_limited".to_owned()));
    gateway.apply(&limited("2/d", "max_body_bytes = 4\n")).await;
    assert_eq!(problem(get()).await, (429, "rate_limited".to_owned()));
    gateway.apply(&limited("off", "")).await;
    assert_eq!(get().send().await.unwrap().status(), 200);
}
