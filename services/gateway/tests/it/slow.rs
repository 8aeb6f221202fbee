//! Clients that hold a connection and do little with it.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::spawn::spawn_with;

const LONG: Duration = Duration::from_secs(60);

/// A client whose kernel takes little in advance.
async fn small(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address.parse::<SocketAddr>().unwrap()).await.unwrap()
}

#[actix_web::test]
async fn who_drips_a_body_or_sips_an_answer_is_cut_and_others_are_served() {
    let world = spawn_with(&[("GATEWAY__LEAST_BYTES_A_SECOND", "20000")]).await;
    let address = world.gateway.address.clone();
    let drips = async {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = "POST /api/v1/prefs/count HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx";
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut answer, mut chunk) = (String::new(), [0; 4096]);
        loop {
            if let Ok(read) = timeout(Duration::from_millis(200), stream.read(&mut chunk)).await {
                match read.unwrap_or(0) {
                    0 => break,
                    count => answer.push_str(&String::from_utf8_lossy(&chunk[..count])),
                }
            } else if stream.write_all(b"x").await.is_err() {
                break;
            }
        }
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("body_interrupted"), "{answer}");
    };
    let sips = async {
        let mut stream = small(&address).await;
        stream.write_all(b"GET /api/v1/prefs/big?1000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut chunk = [0; 1000];
        while stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let (dripped, sipped) = tokio::join!(timeout(LONG, drips), timeout(LONG, sips));
    dripped.expect("who drips is cut");
    sipped.expect("who sips is cut");
    assert_eq!(world.gateway.get("/api/v1/prefs/name").send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn one_client_holds_no_more_connections_than_it_may() {
    let world = spawn_with(&[("GATEWAY__CONNECTIONS_PER_ADDRESS", "3")]).await;
    // Those of the test's own client may still be open.
    let mut held = Vec::new();
    while let Some(open) = kept(&world.gateway.address).await {
        held.push(open);
        assert!(held.len() <= 3, "there is no end");
    }
    assert!(!held.is_empty());
    held.clear();
    for turn in 0.. {
        if kept(&world.gateway.address).await.is_some() {
            break;
        }
        assert!(turn < 50, "what was closed counts for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn a_trusted_proxy_holds_as_many_as_it_wants() {
    let variables = [("GATEWAY__CONNECTIONS_PER_ADDRESS", "3"), ("GATEWAY__TRUSTED_PROXIES", "127.0.0.0/8")];
    let world = spawn_with(&variables).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(kept(&world.gateway.address).await.unwrap());
    }
}

/// A connection that has been answered once; `None` when it was closed instead.
async fn kept(address: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.ok()?;
    let mut answer = [0; 1024];
    match timeout(LONG, stream.read(&mut answer)).await.unwrap() {
        Ok(1..) => Some(stream),
        _ => None,
    }
}
