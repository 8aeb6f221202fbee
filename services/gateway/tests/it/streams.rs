use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    raw,
    spawn::{problem, spawn, spawn_with},
};

const MEGABYTES: usize = 64;

/// The memory of this process that is in use, MiB.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4 / 1024
}

#[actix_web::test]
async fn large_bodies_stream_both_ways_in_little_memory() {
    let world = spawn_with(&[("GATEWAY__MAX_BODY_BYTES", "100000000")]).await;
    let before = memory();
    let mut response = world.gateway.get(&format!("/api/v1/prefs/big?{MEGABYTES}")).send().await.unwrap();
    assert_eq!(response.headers()["content-length"], (MEGABYTES << 20).to_string().as_str());
    let mut received = 0;
    while let Some(chunk) = response.chunk().await.unwrap() {
        received += chunk.len();
    }
    assert_eq!(received, MEGABYTES << 20);
    assert_eq!(upload(&world.gateway.address, MEGABYTES).await, MEGABYTES << 20);
    let grown = memory().saturating_sub(before);
    assert!(grown < 40, "{grown} MiB for {MEGABYTES} MiB each way");
}

/// Sends so many megabytes; gives how many bytes the service says it has counted.
async fn upload(address: &str, megabytes: usize) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = megabytes << 20;
    let head = format!(
        "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..megabytes {
        stream.write_all(&chunk).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    serde_json::from_str::<serde_json::Value>(body).unwrap()["bytes"].as_u64().unwrap() as usize
}

#[actix_web::test]
async fn a_body_comes_back_as_it_was_sent() {
    let world = spawn().await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let response =
        world.gateway.request(Method::POST, "/api/v1/prefs/echo").body(body.clone()).send().await.unwrap();
    assert!(response.bytes().await.unwrap() == body);
    assert_eq!(world.upstream.last().header("content-length"), Some("3000000"));
}

#[actix_web::test]
async fn a_body_without_a_length_passes_in_chunks() {
    let world = spawn().await;
    let request = b"POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
        5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let answer = raw::exchange(&world.gateway.address, request).await;
    assert!(answer.contains("{\"bytes\":11}"), "{answer}");
    assert_eq!(world.upstream.last().header("transfer-encoding"), Some("chunked"));
}

#[actix_web::test]
async fn a_client_that_waits_for_100_is_told_to_go_on() {
    let world = spawn().await;
    let mut stream = TcpStream::connect(&world.gateway.address).await.unwrap();
    let head = b"POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut told = [0; 12];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("{\"bytes\":5}"), "{answer}");
    assert_eq!(world.upstream.last().header("expect"), None);
}

#[actix_web::test]
async fn events_arrive_one_by_one() {
    let world = spawn().await;
    let started = Instant::now();
    let mut response = world.gateway.get("/api/v1/prefs/events").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut arrivals = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        arrivals.push((started.elapsed(), String::from_utf8(chunk.to_vec()).unwrap()));
    }
    assert_eq!(arrivals.len(), 3, "{arrivals:?}");
    assert!(
        arrivals[0].0 < Duration::from_millis(380) && arrivals[2].0 > Duration::from_millis(580),
        "{arrivals:?}"
    );
}

#[actix_web::test]
async fn too_large_a_body_is_refused_before_it_is_read() {
    let world = spawn_with(&[("GATEWAY__MAX_BODY_BYTES", "1000")]).await;
    let head = b"POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n";
    let answer = raw::exchange(&world.gateway.address, head).await;
    assert_eq!(raw::status(&answer), 413, "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
    assert!(world.upstream.seen().is_empty());
    let request = world.gateway.request(Method::POST, "/api/v1/prefs/count").body(vec![b'x'; 1000]);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn too_large_a_body_is_refused_while_it_streams() {
    let world = spawn_with(&[("GATEWAY__MAX_BODY_BYTES", "1000")]).await;
    let mut request =
        b"POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        request.extend_from_slice(format!("64\r\n{}\r\n", "x".repeat(100)).as_bytes());
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = raw::exchange(&world.gateway.address, &request).await;
    assert_eq!(raw::status(&answer), 413, "{answer}");
}

#[actix_web::test]
async fn a_body_that_stops_coming_is_given_up() {
    let world = spawn_with(&[("GATEWAY__TIMEOUTS__UPLOAD_IDLE_MS", "100")]).await;
    let request = b"POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc";
    let answer = raw::exchange(&world.gateway.address, request).await;
    assert_eq!(raw::status(&answer), 400, "{answer}");
    assert!(answer.contains("body_interrupted"), "{answer}");
    let get = world.gateway.get("/api/v1/prefs");
    assert_eq!(get.send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn an_upload_may_take_longer_than_the_first_byte() {
    let world = spawn_with(&[("GATEWAY__TIMEOUTS__FIRST_BYTE_MS", "200")]).await;
    let mut stream = TcpStream::connect(&world.gateway.address).await.unwrap();
    let head =
        b"POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    for byte in b"hello" {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(&[*byte]).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("{\"bytes\":5}"), "{answer}");
    assert_eq!(
        problem(world.gateway.get("/api/v1/prefs/slow")).await,
        (504, "upstream_timed_out".to_owned())
    );
}
