//! What is written down of each request.

use std::{path::Path, time::Duration};

use reqwest::Method;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::spawn::spawn_with;

/// The lines about that path, as soon as there are so many.
async fn lines(file: &Path, path: &str, count: usize) -> Vec<Value> {
    for _ in 0..100 {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found: Vec<Value> = all.filter(|line| line["path"] == path).collect();
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never {count} lines about {path}");
}

#[actix_web::test]
async fn each_request_is_a_line_that_says_who_what_and_how_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("access.log");
    let world = spawn_with(&[
        ("GATEWAY__ACCESS_LOG", file.to_str().unwrap()),
        ("GATEWAY__TRUSTED_PROXIES", "127.0.0.0/8"),
    ])
    .await;
    let token = world.auth.token();
    let asked = world.gateway.get_with("/api/v1/prefs/name?secret=hunter2", &token);
    let answer =
        asked.header("x-forwarded-for", "192.0.2.7").header("user-agent", "a \"test\"\n".trim()).send().await;
    let id = answer.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned();
    let [line] = &lines(&file, "/api/v1/prefs/name", 1).await[..] else { panic!("one line") };
    for (field, wanted) in [
        ("kind", "access"),
        ("method", "GET"),
        ("protocol", "HTTP/1.1"),
        ("service", "prefs"),
        ("client", "192.0.2.7"),
        ("request_id", &id),
        ("user_agent", "a \"test\""),
    ] {
        assert_eq!(line[field], wanted, "{line}");
    }
    assert_eq!((&line["status"], &line["bytes"], &line["complete"]), (&200.into(), &3.into(), &true.into()));
    assert!(
        line["subject"].as_str().unwrap().starts_with("usr_") && line["duration_ms"].as_f64().unwrap() > 0.0
    );

    assert_eq!(world.gateway.request(Method::DELETE, "/nowhere").send().await.unwrap().status(), 404);
    assert_eq!(lines(&file, "/nowhere", 1).await[0]["status"], 404);
    let refused = world.gateway.get_with("/api/v1/prefs/refused", "not.a.token").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let refused = &lines(&file, "/api/v1/prefs/refused", 1).await[0];
    assert_eq!((&refused["status"], &refused["subject"]), (&401.into(), &Value::Null));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hunter2") && !text.contains(&token) && !text.contains("healthz"), "{text}");
}

#[actix_web::test]
async fn an_answer_that_its_client_did_not_wait_for_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("access.log");
    let world = spawn_with(&[("GATEWAY__ACCESS_LOG", file.to_str().unwrap())]).await;
    let mut stream = TcpStream::connect(&world.gateway.address).await.unwrap();
    stream.write_all(b"GET /api/v1/prefs/endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    drop(stream);
    let line = &lines(&file, "/api/v1/prefs/endless", 1).await[0];
    assert_eq!((&line["status"], &line["complete"]), (&200.into(), &false.into()));
}
