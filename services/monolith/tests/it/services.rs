//! The run with all services: their own programs, which lie beside `plinth`.

use std::time::Duration;

use local_servers::process::{Process, Signal};
use serde_json::Value;

use super::spawn::{Dev, Place, eventually, none_alive};

const STOP: Duration = Duration::from_secs(10);
const SERVICES: [&str; 4] = ["auth", "prefs", "webhook", "gateway"];

async fn status(url: &Value, path: &str) -> Option<u16> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap();
    let answer = client.get(format!("{}{path}", url.as_str().unwrap())).send().await;
    answer.ok().map(|answer| answer.status().as_u16())
}

fn pid(endpoints: &Value, service: &str) -> Option<u32> {
    u32::try_from(endpoints["services"][service]["pid"].as_u64()?).ok()
}

/// Kills a service and waits until another process has its place.
async fn replace(dev: &mut Dev, service: &str) {
    let before = dev.ready().await;
    let old = Process::find(pid(&before, service).unwrap()).unwrap();
    old.signal(Signal::KILL).unwrap();
    eventually(service, Duration::from_secs(20), async || {
        let after = dev.ready().await;
        let replaced = pid(&after, service).is_some_and(|new| new != old.pid);
        replaced && status(&after["services"][service]["url"], "/readyz").await == Some(200)
    })
    .await;
}

#[tokio::test]
async fn all_services_are_ready_replaced_when_they_die_and_stopped() {
    let place = Place::new();
    let mut dev = place.start(&[]);
    let endpoints = dev.ready().await;
    for path in ["/status", "/docs", "/openapi.json"] {
        assert_eq!(status(&endpoints["url"], path).await, Some(200), "{path}");
    }
    for service in SERVICES {
        let endpoints = &endpoints["services"][service];
        assert_eq!(status(&endpoints["url"], "/healthz").await, Some(200), "{service}");
        assert_eq!(status(&endpoints["internal_url"], "/metrics").await, Some(200), "{service}");
    }
    assert_eq!(status(&endpoints["mailbox"]["url"], "/api/mails").await, Some(200));
    for service in SERVICES {
        replace(&mut dev, service).await;
        assert!(dev.output().contains(&format!("!! {service} ended")));
    }
    eventually("the gateway sees all", STOP, async || {
        status(&endpoints["url"], "/status").await == Some(200)
    })
    .await;

    let children = dev.children();
    dev.signal(Signal::TERM);
    assert!(dev.ended(STOP).await.success(), "{}", dev.output());
    assert_eq!(children.len(), 7);
    assert!(none_alive(&children));
    assert_eq!(place.traces(), Vec::<&str>::new());
}

#[tokio::test]
async fn only_the_chosen_services_run_and_a_kill_leaves_nothing() {
    let place = Place::new();
    let mut dev = place.start(&["--only", "auth,gateway"]);
    let endpoints = dev.ready().await;
    assert_eq!(status(&endpoints["url"], "/status").await, Some(200));
    assert_eq!(pid(&endpoints, "prefs"), None);

    let children = dev.children();
    dev.signal(Signal::KILL);
    dev.ended(STOP).await;
    eventually("all are gone", STOP, async || none_alive(&children) && place.traces().is_empty()).await;
}

#[tokio::test]
async fn a_service_that_does_not_start_ends_the_run_with_its_words() {
    let place = Place::new();
    place.start(&["--only"]).ready().await;
    // What the settings refuse: a sealing key that is none.
    let secrets = place.state().join("secrets.json");
    let text = std::fs::read_to_string(&secrets).unwrap();
    let mut secrets_read: Value = serde_json::from_str(&text).unwrap();
    secrets_read["auth_sealing"] = "dev:none".into();
    std::fs::write(&secrets, secrets_read.to_string()).unwrap();

    let mut dev = place.start(&["--only", "auth"]);
    assert_eq!(dev.ended(Duration::from_secs(30)).await.code(), Some(1));
    assert!(dev.output().contains("AUTH__SEALING__KEYS"), "{}", dev.output());
    assert_eq!(place.traces(), Vec::<&str>::new());
}

#[test]
fn production_refuses_stand_ins() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plinth"));
    let output = command.arg("standins").env("PLINTH_ENV", "production").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("PLINTH_ENV"), "{output:?}");
}

#[tokio::test]
async fn services_without_auth_are_said_to_wait_for_it() {
    let place = Place::new();
    let dev = place.start(&["--only", "prefs"]);
    eventually("it says what it waits for", STOP, async || dev.output().contains("--only auth,prefs")).await;
}
