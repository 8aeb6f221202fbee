//! Receivers that misbehave: each fails in its own way and within its time, and harms no other.

use std::{cell::Cell, rc::Rc, time::Duration};

use contract_webhook::{Attempt, DeliveryState, EndpointId, Message};
use local_servers::port;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{message::message, receiver::Receiver, spawn::spawn};

/// Longer than anybody waits.
const LONG: Duration = Duration::from_secs(60);

/// A server that does this to each connection, as soon as a request comes; its port.
async fn server<F: Future<Output = ()> + 'static>(act: impl Fn(TcpStream) -> F + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::task::spawn_local(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            // Tolerated: who only connects is served, too.
            let _ = stream.read(&mut head).await;
            tokio::task::spawn_local(act(stream));
        }
    });
    port
}

/// One that says this and ends the connection.
async fn saying(text: &'static str) -> u16 {
    server(move |mut stream| async move { drop(stream.write_all(text.as_bytes()).await) }).await
}

/// One that gives a byte a second, for ever.
async fn dripping() -> u16 {
    server(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
        let mut is_open = stream.write_all(head).await.is_ok();
        while is_open {
            is_open = stream.write_all(b"x").await.is_ok();
            sleep(Duration::from_secs(1)).await;
        }
    })
    .await
}

/// One whose answer is as large as it may be; how much of it was taken.
async fn endless(taken: Rc<Cell<usize>>) -> u16 {
    server(move |mut stream| {
        let taken = Rc::clone(&taken);
        async move {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n";
            let mut is_open = stream.write_all(head).await.is_ok();
            while is_open {
                is_open = stream.write_all(&[b'x'; 65_536]).await.is_ok();
                taken.set(taken.get() + 65_536);
            }
        }
    })
    .await
}

fn of(message: &Message, endpoint: EndpointId) -> (DeliveryState, i32) {
    let delivery = message.deliveries.iter().find(|one| one.endpoint_id == endpoint).unwrap();
    (delivery.state, delivery.attempts)
}

#[actix_web::test]
async fn whatever_a_receiver_does_is_noted_and_the_others_get_theirs_meanwhile() {
    let webhook = spawn().await;
    let token = webhook.writer();
    let (good, elsewhere) = (
        Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await,
        Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await,
    );
    let leads_on: &'static str =
        format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url).leak();
    let taken = Rc::new(Cell::new(0));
    let silent = server(|stream| async move {
        sleep(LONG).await;
        drop(stream);
    });
    let resetting = server(|stream| async move { stream.set_zero_linger().unwrap() });
    let http = |port: u16| format!("http://127.0.0.1:{port}/");
    let clear = saying("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let faults = [
        (http(resetting.await), None, Some("broken_answer")),
        (http(saying("no HTTP\r\n\r\n").await), None, Some("broken_answer")),
        (
            http(saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").await),
            None,
            Some("broken_answer"),
        ),
        (http(saying(leads_on).await), Some(302), None),
        (http(port::free().unwrap()), None, Some("connection_failed")),
        (format!("https://127.0.0.1:{clear}/"), None, Some("tls_failed")),
        (http(dripping().await), None, Some("timed_out")),
        (http(silent.await), None, Some("timed_out")),
        (http(endless(Rc::clone(&taken)).await), Some(200), None),
    ];
    let mut endpoints = Vec::new();
    for (url, status, error) in faults {
        endpoints.push((webhook.endpoint(&token, &url).await.id, url, status, error));
    }
    let healthy = webhook.endpoint(&token, &good.url).await.id;
    let dripping = endpoints[6].0;
    let id = webhook.client.send(&token, &message("a", "{}")).await.unwrap().id;
    let mut now = webhook.client.message(&token, id).await.unwrap();
    while of(&now, healthy).0 != DeliveryState::Delivered {
        sleep(Duration::from_millis(20)).await;
        now = webhook.client.message(&token, id).await.unwrap();
    }
    assert_eq!(of(&now, dripping), (DeliveryState::Pending, 0), "nobody waits for it");

    let mut attempts: Vec<Attempt> = Vec::new();
    for _ in 0..600 {
        let page = webhook.client.attempts(&token, id).await.unwrap();
        attempts = page.data;
        if endpoints.iter().all(|(id, ..)| attempts.iter().any(|one| one.endpoint_id == *id)) {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    for (id, url, status, error) in endpoints {
        let first = attempts.iter().find(|one| one.endpoint_id == id).unwrap();
        assert_eq!((first.status, first.error.as_deref()), (status, error), "{url}");
        assert!(first.response.len() <= 1024, "{url}");
    }
    assert!(elsewhere.posted().is_empty(), "a redirect is not followed");
    // What the kernel's buffers hold, and no more.
    assert!(taken.get() < 20_000_000, "{} bytes were taken", taken.get());
}
