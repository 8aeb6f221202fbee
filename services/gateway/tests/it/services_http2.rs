//! HTTP/2 towards services, as ours speak it, and as one that ends requests halfway.

use std::{collections::BTreeSet, sync::atomic::Ordering::SeqCst, time::Duration};

use futures_util::{SinkExt, StreamExt, future::join_all};
use reqwest::Method;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    scripted_http2::{End, Scripted},
    services_tls::{Served, listeners, tls_files},
    spawn::{World, eventually, problem, spawn_with},
    websocket,
};

/// A gateway before one service that is like ours, in clear text or behind a certificate.
async fn spawn_before(encrypted: bool) -> (World, Served, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let tls = encrypted.then(|| tls_files(dir.path()));
    let served = Served::served("one", &listeners(tls, true));
    let terms = if encrypted { "" } else { "?http2=true" };
    let mut variables = vec![("PREFS_SERVICE_URL", format!("{}{terms}", served.url))];
    // All requests then share what connections there are.
    variables.push(("GATEWAY__HTTP__WORKERS", "1".to_owned()));
    if encrypted {
        variables.push(("PLINTH_CA_FILE", dir.path().join("chain.pem").display().to_string()));
    }
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (spawn_with(&variables).await, served, dir)
}

/// On how many connections its requests have come, all by HTTP/2.
fn connections(served: &Served) -> usize {
    let seen = served.seen();
    assert!(seen.iter().all(|seen| seen.version == "HTTP/2.0"), "{seen:?}");
    seen.into_iter().map(|seen| seen.peer).collect::<BTreeSet<_>>().len()
}

#[actix_web::test]
async fn many_requests_share_a_connection_and_bodies_stream_both_ways() {
    for encrypted in [true, false] {
        let (world, served, _dir) = spawn_before(encrypted).await;
        let slow = || world.gateway.get("/api/v1/prefs/slow").send();
        for answer in join_all((0..50).map(|_| slow())).await {
            assert_eq!(answer.unwrap().status(), 200);
        }
        let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        let echo = world.gateway.request(Method::POST, "/api/v1/prefs/echo").body(body.clone());
        assert!(echo.send().await.unwrap().bytes().await.unwrap() == body);
        assert_eq!(served.last().header("content-length"), Some("3000000"));
        let events = world.gateway.get("/api/v1/prefs/events").send().await.unwrap();
        assert_eq!(events.headers()["content-type"], "text/event-stream");
        assert_eq!(events.text().await.unwrap().matches("data: x").count(), 3);
        assert_eq!((served.seen().len(), connections(&served)), (52, 1), "encrypted: {encrypted}");
    }
}

#[actix_web::test]
async fn who_goes_away_ends_a_stream_and_not_the_connection() {
    let (world, served, _dir) = spawn_before(true).await;
    let mut events = world.gateway.get("/api/v1/prefs/endless").send().await.unwrap();
    let mut others = world.gateway.get("/api/v1/prefs/endless").send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());
    eventually("both are under way", || served.open.load(SeqCst) == 2).await;
    drop(events);
    eventually("one is over", || served.open.load(SeqCst) == 1).await;
    assert!(others.chunk().await.unwrap().is_some(), "the other one goes on");
    assert_eq!(world.gateway.get("/api/v1/prefs").send().await.unwrap().status(), 200);
    assert_eq!(connections(&served), 1);
}

#[actix_web::test]
async fn a_websocket_goes_by_http1() {
    for encrypted in [true, false] {
        let (world, served, _dir) = spawn_before(encrypted).await;
        let mut socket = websocket::open(&world, Some(&world.auth.token())).await.unwrap();
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
        assert_eq!(served.last().version, "HTTP/1.1");
    }
}

/// Or a few of them would use up what may be under way on a connection.
#[actix_web::test]
async fn clients_that_do_not_read_hold_up_nobody_else() {
    let (world, served, _dir) = spawn_before(true).await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(&world.gateway.address).await.unwrap();
        stream.write_all(b"GET /api/v1/prefs/big?16 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        idle.push(stream);
    }
    eventually("all are under way", || served.seen().len() == 40).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let big = world.gateway.get("/api/v1/prefs/big?4").timeout(Duration::from_secs(60)).send().await.unwrap();
    assert_eq!(big.bytes().await.unwrap().len(), 4 << 20);
    assert_eq!(served.open.load(SeqCst), 40, "and not because they were cut");
    assert_eq!(connections(&served), 1);
}

/// The status, and the code of a problem; then how many requests and connections there were.
async fn outcome(end: &'static [End], method: &str, body: &'static str) -> (u16, String, usize, usize) {
    let service = Scripted::start(end).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &service.url)]).await;
    let method = method.parse::<Method>().unwrap();
    let request = || world.gateway.request(method.clone(), "/api/v1/prefs/x").body(body);
    let answer = request().send().await.unwrap();
    let status = answer.status().as_u16();
    let body: serde_json::Value = answer.json().await.unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    (status, code, service.count(), service.connections())
}

#[actix_web::test]
async fn what_a_service_has_not_looked_at_is_sent_once_more() {
    for method in ["GET", "DELETE"] {
        let repeated = |connections| (200, String::new(), 2, connections);
        assert_eq!(outcome(&[End::Refused], method, "").await, repeated(1), "{method}");
        assert_eq!(outcome(&[End::LeftOut], method, "").await, repeated(2), "{method}");
    }
    let unavailable = |count| (503, "upstream_unavailable".to_owned(), count, 1);
    assert_eq!(outcome(&[End::Refused, End::Refused], "DELETE", "").await, unavailable(2), "once only");
    assert_eq!(outcome(&[End::Refused], "POST", "x").await, unavailable(1), "its body is gone");
    assert_eq!(outcome(&[End::LeftOut], "POST", "x").await, unavailable(1));
}

#[actix_web::test]
async fn what_a_service_may_have_looked_at_is_repeated_if_it_is_a_get_alone() {
    for end in [&[End::GivenUp][..], &[End::Cut]] {
        assert_eq!(outcome(end, "GET", "").await, (200, String::new(), 2, 2), "{end:?}");
        for (method, body) in [("DELETE", ""), ("POST", "x")] {
            let lost = (503, "upstream_lost".to_owned(), 1, 1);
            assert_eq!(outcome(end, method, body).await, lost, "{method} {end:?}");
        }
    }
}

#[actix_web::test]
async fn a_service_that_speaks_no_http2_after_all_is_out_of_reach() {
    let served = Served::served("one", &listeners(None, false));
    let world = spawn_with(&[("PREFS_SERVICE_URL", &format!("{}?http2=true", served.url))]).await;
    let (status, code) = problem(world.gateway.get("/api/v1/prefs")).await;
    // It answers in its own language, and hangs up: which of both is noticed first is chance.
    assert!(["upstream_broken", "upstream_unavailable"].contains(&code.as_str()), "{status} {code}");
    assert!(served.seen().is_empty());
}
