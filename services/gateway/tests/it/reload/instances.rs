//! Services and their instances.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::Method;

use super::configured::{Configured, all, prefs, spawn, spawn_with};
use crate::{
    balancing::metric,
    instance::{Instance, PATH},
    spawn::{eventually, problem},
    upstream::Upstream,
};

async fn get(gateway: &Configured, requests: usize) {
    for _ in 0..requests {
        assert_eq!(gateway.gateway.get(PATH).send().await.unwrap().status(), 200);
    }
}

#[actix_web::test]
async fn a_new_weight_moves_the_requests() {
    let (old, canary) = (Instance::start(), Instance::start());
    let gateway = spawn(&prefs(&format!("{}?weight=99, {}", old.url, canary.url))).await;
    get(&gateway, 200).await;
    assert!(canary.count() < 30, "{}", canary.count());
    let (before_old, before) = (old.count(), canary.count());
    gateway.apply(&prefs(&format!("{}, {}?weight=99", old.url, canary.url))).await;
    get(&gateway, 200).await;
    let (to_old, to_canary) = (old.count() - before_old, canary.count() - before);
    assert!(to_old < 30 && to_canary > 170, "{to_old} and {to_canary}");
}

#[actix_web::test]
async fn one_that_is_removed_finishes_what_it_has_and_gets_nothing_new() {
    let (leaves, stays) = (Instance::start(), Instance::start());
    let gateway = spawn(&all(&[&leaves])).await;
    leaves.take(Duration::from_millis(1500));
    let post = gateway.gateway.request(Method::POST, PATH).body("x");
    let (post, get_) =
        (actix_web::rt::spawn(post.send()), actix_web::rt::spawn(gateway.gateway.get(PATH).send()));
    eventually("both are under way", || leaves.count() == 2).await;
    gateway.apply(&all(&[&stays])).await;
    get(&gateway, 50).await;
    for underway in [post, get_] {
        assert_eq!(underway.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!((leaves.count(), stays.count()), (2, 50));
}

#[actix_web::test]
async fn an_open_socket_and_a_long_answer_outlive_their_instance_in_the_settings() {
    let (leaves, stays) = (Upstream::start("leaves"), Instance::start());
    let gateway = spawn(&prefs(&leaves.url)).await;
    let answer = gateway.gateway.get("/api/v1/prefs/endless").send().await.unwrap();
    let mut chunks = answer.bytes_stream();
    chunks.next().await.unwrap().unwrap();
    gateway.apply(&all(&[&stays])).await;
    get(&gateway, 5).await;
    for _ in 0..20 {
        chunks.next().await.unwrap().unwrap();
    }
    assert_eq!((leaves.seen().len(), stays.count()), (1, 5));
}

#[actix_web::test]
async fn what_is_known_of_an_instance_outlives_a_reload() {
    let (healthy, sick, new) = (Instance::start(), Instance::start(), Instance::start());
    let gateway = spawn(&all(&[&healthy, &sick])).await;
    sick.kill().await;
    stream::iter(0..20)
        .for_each_concurrent(4, async |_| {
            assert_eq!(gateway.gateway.get(PATH).send().await.unwrap().status(), 200);
        })
        .await;
    assert_eq!(metric(&gateway.gateway, "gateway_instances_up").await, 1);
    let ejections = metric(&gateway.gateway, "gateway_ejections_total").await;
    gateway.apply(&prefs(&format!("{}, {}?weight=50, {}", healthy.url, sick.url, new.url))).await;
    assert_eq!(metric(&gateway.gateway, "gateway_instances_up").await, 2, "it is out still");
    assert!(metric(&gateway.gateway, "gateway_ejections_total").await >= ejections);
    get(&gateway, 20).await;
    assert!(new.count() > 0, "what is new begins in");
}

#[actix_web::test]
async fn checks_follow_the_new_instances_at_once() {
    let (old, unready, new) = (Instance::start(), Instance::start(), Instance::start());
    unready.set_ready(false);
    // A minute between two rounds: what is checked sooner is checked because of the reload.
    let gateway = spawn_with(&all(&[&old]), &[("GATEWAY__HEALTH__INTERVAL_MS", "60000")]).await;
    eventually("the first round", || old.checks() > 0).await;
    gateway.apply(&all(&[&unready, &new])).await;
    eventually("the first check", || unready.checks() == 1 && new.checks() == 1).await;
    gateway.apply(&all(&[&new, &unready])).await;
    eventually("the second check", || unready.checks() == 2).await;
    for _ in 0..100 {
        if metric(&gateway.gateway, "gateway_instances_up").await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    get(&gateway, 20).await;
    assert_eq!((old.checks(), unready.count(), new.count()), (1, 0, 20));
}

#[actix_web::test]
async fn a_service_comes_and_goes() {
    let instance = Instance::start();
    let listed = all(&[&instance]);
    let gateway = spawn(&format!("{listed}[gateway]\nservices = \"auth\"\n")).await;
    assert_eq!(problem(gateway.gateway.get(PATH)).await.0, 404);
    gateway.apply(&format!("{listed}[gateway]\nservices = \"auth, prefs\"\n")).await;
    get(&gateway, 3).await;
    let status = gateway.gateway.get("/status").send().await.unwrap().text().await.unwrap();
    assert!(status.contains("prefs"), "{status}");
    gateway.apply(&format!("{listed}[gateway]\nservices = \"auth\"\n")).await;
    assert_eq!(problem(gateway.gateway.get(PATH)).await.0, 404);
    assert_eq!(instance.count(), 3);
}
