//! Connections to a service that are used again, and those that must not be.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use futures_util::future::join_all;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::spawn::{eventually, spawn, spawn_with};

/// A service that answers each request on a connection with the next of these, and closes the
/// connection after the last.
struct Scripted {
    url: String,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
}

impl Scripted {
    async fn start(answers: &'static [&'static [u8]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (connections, closed) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (opened, ended) = (Arc::clone(&connections), Arc::clone(&closed));
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                opened.fetch_add(1, SeqCst);
                let ended = Arc::clone(&ended);
                // Tolerated: the gateway may be gone.
                actix_web::rt::spawn(async move { drop(serve(stream, answers, &ended).await) });
            }
        });
        Self { url, connections, closed }
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn serve(mut stream: TcpStream, answers: &[&[u8]], closed: &AtomicUsize) -> io::Result<()> {
    for answer in answers {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        stream.write_all(answer).await?;
    }
    stream.shutdown().await?;
    closed.fetch_add(1, SeqCst);
    // What still comes is read, or the answer would be lost with it.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
}

const SHORT: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
const CONFLICT: &[u8] = b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n";
const NOTHING: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const UNCHANGED: &[u8] = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n";
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
const TO_THE_END: &[u8] = b"HTTP/1.1 200 OK\r\n\r\nok";

/// One worker: each has connections of its own.
const ONE: (&str, &str) = ("GATEWAY__HTTP__WORKERS", "1");

#[actix_web::test]
async fn a_connection_is_used_again_whatever_the_answer_was() {
    let service = Scripted::start(&[SHORT, CHUNKED, NOTHING, UNCHANGED, SHORT]).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &service.url), ONE]).await;
    for status in [200, 200, 204, 304, 200] {
        let answer = world.gateway.get("/api/v1/prefs").send().await.unwrap();
        assert_eq!(answer.status(), status);
        let _body = answer.bytes().await.unwrap();
    }
    assert_eq!(service.connections(), 1);
}

#[actix_web::test]
async fn a_head_and_a_post_go_by_the_same_connection() {
    let world = spawn_with(&[ONE]).await;
    let gateway = &world.gateway;
    for (method, body) in [(Method::HEAD, ""), (Method::POST, "x"), (Method::GET, ""), (Method::PUT, "y")] {
        gateway
            .request(method, "/api/v1/prefs/count")
            .body(body)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    }
    let mut peers: Vec<String> = world.upstream.seen().into_iter().map(|seen| seen.peer).collect();
    peers.dedup();
    assert_eq!(peers.len(), 1, "{peers:?}");
}

#[actix_web::test]
async fn a_service_is_called_by_its_own_name_and_target() {
    let world = spawn().await;
    world.gateway.get("/api/v1/prefs/x?y=%20z").send().await.unwrap();
    let seen = world.upstream.last();
    assert_eq!(seen.header("host"), world.upstream.url.strip_prefix("http://"));
    assert_eq!(seen.target, "/api/v1/prefs/x?y=%20z");
    assert_eq!(seen.headers.iter().filter(|(name, _)| name == "host").count(), 1);
}

#[actix_web::test]
async fn what_was_closed_while_nobody_used_it_takes_no_request() {
    // A POST is never repeated, so it would be lost if it were sent.
    let service = Scripted::start(&[SHORT]).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &service.url), ONE]).await;
    for number in 1..=20 {
        let post = world.gateway.request(Method::POST, "/api/v1/prefs").send().await.unwrap();
        assert_eq!(post.status(), 200, "number {number}");
        eventually("the service closes", || service.closed.load(SeqCst) == number).await;
    }
    assert_eq!(service.connections(), 20);
}

#[actix_web::test]
async fn what_the_service_closes_after_its_answer_is_not_used_again() {
    for answer in [&[LAST], &[TO_THE_END]] {
        let service = Scripted::start(answer).await;
        let world = spawn_with(&[("PREFS_SERVICE_URL", &service.url), ONE]).await;
        for _ in 0..3 {
            let answer = world.gateway.request(Method::POST, "/api/v1/prefs").send().await.unwrap();
            assert_eq!(answer.text().await.unwrap(), "ok");
        }
        assert_eq!(service.connections(), 3);
    }
}

#[actix_web::test]
async fn an_answer_that_nobody_reads_ends_its_connection_alone() {
    let world = spawn_with(&[ONE]).await;
    let path = "/api/v1/prefs/endless";
    let unread = world.gateway.get(path).send().await.unwrap();
    let other = world.gateway.get("/api/v1/prefs").send().await.unwrap();
    drop(unread);
    assert_eq!(other.text().await.unwrap(), "{\"path\":\"/api/v1/prefs\"}");
    eventually("the service hears of it", || world.upstream.open.load(SeqCst) == 0).await;
    let again = world.gateway.get("/api/v1/prefs").send().await.unwrap();
    assert_eq!(again.text().await.unwrap(), "{\"path\":\"/api/v1/prefs\"}");
}

#[actix_web::test]
async fn what_comes_unasked_ends_a_connection_and_no_later_answer_is_mistaken() {
    let service = Scripted::start(&[
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret",
    ])
    .await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &service.url), ONE]).await;
    for _ in 0..10 {
        let answer = world.gateway.get("/api/v1/prefs").send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok");
    }
}

#[actix_web::test]
async fn many_at_once_have_a_connection_each_and_keep_them() {
    let world = spawn_with(&[ONE]).await;
    let ask = async |_| world.gateway.get("/api/v1/prefs/slow").send().await.unwrap().status();
    for _ in 0..2 {
        assert!(join_all((0..30).map(ask)).await.into_iter().all(|status| status == 200));
    }
    let mut peers: Vec<String> = world.upstream.seen().into_iter().map(|seen| seen.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    assert_eq!(peers.len(), 30);
}

#[actix_web::test]
async fn an_early_answer_is_passed_on_and_its_connection_is_not_used_again() {
    let service = Scripted::start(&[CONFLICT]).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &service.url), ONE]).await;
    for number in 1..=3 {
        let post = world.gateway.request(Method::POST, "/api/v1/prefs").body(vec![b'x'; 1 << 20]);
        assert_eq!(post.send().await.unwrap().status(), 409);
        assert_eq!(service.connections(), number);
    }
}
