use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::spawn::{problem, spawn, spawn_with};

/// A service that reads a request, writes these bytes and closes. Counts the requests.
async fn scripted(bytes: &'static [u8], linger: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    actix_web::rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.unwrap_or(0) > 0 {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            let _ = stream.write_all(bytes).await;
            if !linger.is_zero() {
                tokio::time::sleep(linger).await;
            }
        }
    });
    (url, count)
}

#[actix_web::test]
async fn a_dead_service_is_503_with_retry_after_and_the_others_go_on() {
    let world = spawn_with(&[("PREFS_SERVICE_URL", "http://127.0.0.1:1")]).await;
    let response = world.gateway.get("/api/v1/prefs").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, (503, "upstream_unavailable".to_owned()));
    let post = world.gateway.request(Method::POST, "/api/v1/prefs").body("x");
    assert_eq!(problem(post).await, (503, "upstream_unavailable".to_owned()));
    assert_eq!(world.gateway.get("/api/v1/auth/me").send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn a_service_that_dies_is_noticed() {
    let world = spawn().await;
    assert_eq!(world.gateway.get("/api/v1/prefs").send().await.unwrap().status(), 200);
    world.upstream.stop().await;
    let ask = async || world.gateway.get("/api/v1/prefs").send().await.unwrap().status();
    // What was under way in it may be finished first.
    let began = Instant::now();
    while ask().await != 503 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is gone, and is not noticed");
    }
    assert_eq!(ask().await, 503);
}

#[actix_web::test]
async fn a_name_that_nobody_knows_is_503() {
    let world = spawn_with(&[("PREFS_SERVICE_URL", "http://nowhere.invalid:80")]).await;
    assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, (503, "upstream_unavailable".to_owned()));
}

#[actix_web::test]
async fn a_service_that_hangs_is_504() {
    let (url, _) = scripted(b"", Duration::from_secs(5)).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url), ("GATEWAY__TIMEOUTS__FIRST_BYTE_MS", "200")]).await;
    assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, (504, "upstream_timed_out".to_owned()));
}

#[actix_web::test]
async fn a_service_that_talks_nonsense_is_502() {
    let (url, count) = scripted(b"SSH-2.0-OpenSSH_9\r\n\r\n", Duration::ZERO).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
    assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, (502, "upstream_broken".to_owned()));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_cut_get_is_sent_once_more_and_a_cut_post_never() {
    let (url, count) = scripted(b"", Duration::ZERO).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
    let gone = (503, "upstream_unavailable".to_owned());
    assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, gone);
    assert_eq!(count.swap(0, Ordering::SeqCst), 2);
    let post = world.gateway.request(Method::POST, "/api/v1/prefs").body("x");
    assert_eq!(problem(post).await, (503, "upstream_lost".to_owned()));
    let empty = world.gateway.request(Method::DELETE, "/api/v1/prefs/x");
    assert_eq!(problem(empty).await, (503, "upstream_lost".to_owned()));
    assert_eq!(count.load(Ordering::SeqCst), 2, "one each");
}

#[actix_web::test]
async fn half_a_body_is_cut_and_never_seems_whole() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"[..],
        &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"[..],
    ] {
        // Also when the end of it comes together with its beginning.
        for (linger, times) in [(Duration::from_millis(100), 2), (Duration::ZERO, 50)] {
            let (url, _) = scripted(bytes, linger).await;
            let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
            for method in [Method::GET, Method::POST].into_iter().cycle().take(times) {
                let response = world.gateway.request(method, "/api/v1/prefs").send().await.unwrap();
                assert_eq!(response.status(), 200);
                assert!(response.bytes().await.is_err());
            }
        }
    }
}

#[actix_web::test]
async fn a_body_that_stops_coming_is_cut() {
    let (url, _) =
        scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Duration::from_secs(600)).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url), ("GATEWAY__TIMEOUTS__BODY_IDLE_MS", "200")]).await;
    let response = world.gateway.get("/api/v1/prefs").send().await.unwrap();
    let cut = response.bytes().await.unwrap_err();
    assert!(!cut.is_timeout(), "the gateway gives up before the client does: {cut:?}");
}

#[actix_web::test]
async fn a_servers_own_408_is_503_and_a_services_own_passes() {
    let bare = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    let (url, _) = scripted(bare, Duration::ZERO).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
    assert_eq!(problem(world.gateway.get("/api/v1/prefs")).await, (503, "upstream_unavailable".to_owned()));
    let typed = b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno";
    let (url, _) = scripted(typed, Duration::ZERO).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
    assert_eq!(world.gateway.get("/api/v1/prefs").send().await.unwrap().status(), 408);
}

#[actix_web::test]
async fn chunks_that_are_none_are_400_and_no_service_hears_of_them() {
    let world = spawn().await;
    for chunk in ["zz\r\n", "-1\r\n\r\n", "fffffffffffffffff\r\n", "3\r\nabcX"] {
        let head = "POST /api/v1/prefs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = crate::raw::exchange(&world.gateway.address, format!("{head}{chunk}").as_bytes()).await;
        let status = crate::raw::status(&answer);
        assert!(status == 400 || (status == 0 && chunk.starts_with('3')), "{chunk:?}: {answer}");
    }
}

#[actix_web::test]
async fn an_answer_before_the_end_of_the_upload_is_passed_on() {
    let early = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let (url, _) = scripted(early, Duration::from_millis(200)).await;
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
    let head = b"POST /api/v1/prefs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc";
    let answer = crate::raw::exchange(&world.gateway.address, head).await;
    assert_eq!(crate::raw::status(&answer), 413, "{answer}");
    assert!(answer.ends_with("no"), "{answer}");
}

#[actix_web::test]
async fn answers_that_have_no_body_leave_the_connection_usable() {
    let not_modified = b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 100\r\n\r\n";
    let no_content = b"HTTP/1.1 204 No Content\r\n\r\n";
    for (bytes, status) in [(&not_modified[..], 304), (&no_content[..], 204)] {
        let (url, _) = scripted(bytes, Duration::from_millis(50)).await;
        let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
        let get = "GET /api/v1/prefs HTTP/1.1\r\nHost: x\r\n\r\n";
        let other = "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = crate::raw::exchange(&world.gateway.address, format!("{get}{other}").as_bytes()).await;
        assert_eq!(crate::raw::status(&answer), status, "{answer}");
        assert!(
            answer.contains("HTTP/1.1 200") && answer.ends_with("{\"path\":\"/api/v1/auth/me\"}"),
            "{answer}"
        );
    }
}

#[actix_web::test]
async fn a_client_that_leaves_a_stream_frees_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let world = spawn_with(&[("PREFS_SERVICE_URL", &url)]).await;
    let service = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_buf(&mut Vec::new()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
        for _ in 0..100 {
            if stream.write_all(b"5\r\nhello\r\n").await.is_err() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    };
    let client = async {
        let mut response = world.gateway.get("/api/v1/prefs").send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "hello");
    };
    let (freed, ()) = futures_util::future::join(service, client).await;
    assert!(freed, "the connection to the service is closed");
}
