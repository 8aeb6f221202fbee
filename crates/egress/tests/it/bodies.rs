use std::{
    io::Write,
    time::{Duration, Instant},
};

use egress::{EgressError, Keep};
use flate2::{Compression, write::GzEncoder};

use crate::{
    PUBLIC, get,
    server::{Body, Server},
    without_names,
};

const ENDLESS: &str = "HTTP/1.1 200 OK\r\n\r\n";

async fn endless() -> Server {
    Server::sending(PUBLIC, ENDLESS, Body { bytes: vec![b'x'; 64 * 1024], times: 4_000, ..Body::default() })
        .await
}

#[tokio::test]
async fn of_an_endless_body_as_much_is_read_as_is_wanted() {
    let server = endless().await;
    let call = get(&format!("http://{PUBLIC}:{}/", server.port)).keeping(Keep::First(1000));
    let answer = without_names().send(call).await.unwrap();
    assert_eq!((answer.body.len(), answer.is_cut), (1000, true));
    tokio::time::sleep(Duration::from_millis(300)).await;
    // What the sockets of both sides hold.
    assert!(server.sent() < 16 << 20, "{} of 250 MiB were sent", server.sent());
}

#[tokio::test]
async fn more_than_is_wanted_is_an_error_where_all_of_it_is() {
    let server = endless().await;
    let call = get(&format!("http://{PUBLIC}:{}/", server.port)).keeping(Keep::All(1 << 20));
    let outcome = without_names().send(call).await;
    assert!(matches!(outcome, Err(EgressError::TooLarge(1_048_576))), "{outcome:?}");
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = Server::saying(PUBLIC, head).await;
    let exact = get(&format!("http://{PUBLIC}:{}/", server.port)).keeping(Keep::All(2));
    assert_eq!(without_names().send(exact).await.unwrap().body.as_ref(), b"ok");
}

#[tokio::test]
async fn who_drips_is_left_when_the_time_is_over() {
    let drip = Body { bytes: vec![b'x'], times: 10_000, pause: Duration::from_millis(20) };
    for head in [ENDLESS, "HTTP/1.1 200 OK\r\nX-Slow: ", "HTTP/1.1 200 "] {
        let server = Server::sending(PUBLIC, head, drip.clone()).await;
        let call = get(&format!("http://{PUBLIC}:{}/", server.port)).within(Duration::from_millis(300));
        let began = Instant::now();
        let outcome = without_names().send(call).await;
        assert!(matches!(outcome, Err(EgressError::TimedOut)), "{outcome:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "not when it ends by itself");
    }
}

/// A hundred megabytes in a hundred kilobytes.
#[tokio::test]
async fn what_is_compressed_stays_so() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..100 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
    let length = bomb.len();
    let server = Server::sending(PUBLIC, head, Body { bytes: bomb, times: 1, ..Body::default() }).await;
    let call = get(&format!("http://{PUBLIC}:{}/", server.port)).keeping(Keep::All(1 << 20));
    assert_eq!(without_names().send(call).await.unwrap().body.len(), length);
    assert!(!server.last().to_lowercase().contains("accept-encoding"), "{}", server.last());
}

#[tokio::test]
async fn what_is_no_answer_is_broken() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n";
    for head in ["", "SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1 99 No\r\n\r\n", half, chunk] {
        let server = Server::saying(PUBLIC, head).await;
        let outcome = without_names().send(get(&format!("http://{PUBLIC}:{}/", server.port))).await;
        assert!(matches!(outcome, Err(EgressError::Broken(_))), "{head:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_endless_head_is_broken_off() {
    let lines =
        Body { bytes: b"x-more: and more and more\r\n".repeat(100), times: 100_000, ..Body::default() };
    let server = Server::sending(PUBLIC, "HTTP/1.1 200 OK\r\n", lines).await;
    let outcome = without_names().send(get(&format!("http://{PUBLIC}:{}/", server.port))).await;
    assert!(matches!(outcome, Err(EgressError::Broken(_))), "{outcome:?}");
    assert!(server.sent() < 16 << 20, "{} of 260 MB were sent", server.sent());
}
