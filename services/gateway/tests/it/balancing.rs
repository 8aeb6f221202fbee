use std::{any::Any, time::Duration};

use futures_util::{StreamExt, stream};

use crate::{
    instance::{Instance, PATH, spawn_before, urls},
    spawn::{Gateway, eventually, problem, spawn_with},
    upstream::Upstream,
    websocket,
};

/// So many GETs, as many of them at a time.
async fn get(gateway: &Gateway, requests: usize, at_a_time: usize) {
    stream::iter(0..requests)
        .for_each_concurrent(at_a_time, async |_| {
            gateway.get(PATH).send().await.unwrap().bytes().await.unwrap();
        })
        .await;
}

/// What Prometheus reads of prefs.
pub(crate) async fn metric(gateway: &Gateway, name: &str) -> usize {
    let url = format!("http://{}/metrics", gateway.internal);
    let text = testing::http().get(url).send().await.unwrap().text().await.unwrap();
    let is_it = |line: &&str| line.starts_with(name) && line.contains(r#"upstream="prefs""#);
    let line = text.lines().find(is_it).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[actix_web::test]
async fn requests_spread_by_weight() {
    let (heavy, light) = (Instance::start(), Instance::start());
    let listed = format!("{}?weight=9, {}", heavy.url, light.url);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &listed)]).await;
    get(&world.gateway, 300, 1).await;
    assert_eq!(heavy.count() + light.count(), 300);
    assert!((8..75).contains(&light.count()), "{} of 300, about 30 are wanted", light.count());
    assert_eq!(heavy.seen()[0], format!("GET {PATH}"), "the weight goes to nobody");
}

#[actix_web::test]
async fn a_slow_instance_gets_fewer_requests() {
    let (slow, quick) = (Instance::start(), Instance::start());
    slow.take(Duration::from_millis(100));
    let world = spawn_before(&[&slow, &quick]).await;
    get(&world.gateway, 400, 10).await;
    assert!(slow.count() > 0 && slow.count() * 2 < quick.count(), "{} and {}", slow.count(), quick.count());
}

#[actix_web::test]
async fn an_answer_counts_as_long_as_it_comes_and_a_socket_as_long_as_it_is_open() {
    for opens_socket in [false, true] {
        let (one, two) = (Upstream::start("one"), Upstream::start("two"));
        let listed = format!("{}, {}", one.url, two.url);
        let world = spawn_with(&[("PREFS_SERVICE_URL", &listed)]).await;
        let open: Box<dyn Any> = if opens_socket {
            Box::new(websocket::open(&world, None).await.unwrap())
        } else {
            Box::new(world.gateway.get("/api/v1/prefs/endless").send().await.unwrap())
        };
        let busy = if one.seen().is_empty() { two } else { one };
        get(&world.gateway, 60, 1).await;
        assert!(busy.seen().len() < 15, "{} of 60", busy.seen().len());
        drop(open);
        for attempt in 0.. {
            get(&world.gateway, 60, 1).await;
            if busy.seen().len() > 30 {
                break;
            }
            assert!(attempt < 100, "it gets no more than before");
        }
    }
}

#[actix_web::test]
async fn one_that_refuses_quickly_attracts_nothing() {
    for status in [429, 503] {
        let (refusing, slow) = (Instance::start(), Instance::start());
        refusing.answer_with_problem(status);
        slow.take(Duration::from_millis(10));
        let world = spawn_before(&[&refusing, &slow]).await;
        get(&world.gateway, 200, 4).await;
        assert!(refusing.count() < 40, "{status}: {} of 200", refusing.count());
        assert_eq!(metric(&world.gateway, "gateway_ejections_total").await, 0, "it says why");
    }
}

#[actix_web::test]
async fn one_that_is_not_ready_gets_nothing() {
    let (leaving, staying) = (Instance::start(), Instance::start());
    let listed = urls(&[&leaving, &staying]);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &listed), ("GATEWAY__HEALTH__INTERVAL_MS", "30")]).await;
    get(&world.gateway, 30, 1).await;
    assert!(leaving.count() > 0);
    leaving.set_ready(false);
    let asked = leaving.checks();
    eventually("three more checks", || leaving.checks() > asked + 3).await;
    assert_eq!(metric(&world.gateway, "gateway_instances_up").await, 1);
    let before = leaving.count();
    get(&world.gateway, 50, 5).await;
    assert_eq!(leaving.count(), before);
    leaving.set_ready(true);
    let asked = leaving.checks();
    eventually("two more checks", || leaving.checks() > asked + 2).await;
    assert_eq!(metric(&world.gateway, "gateway_instances_up").await, 2);
    get(&world.gateway, 50, 5).await;
    assert!(leaving.count() > before);
}

#[actix_web::test]
async fn when_none_is_ready_all_are_used() {
    let (one, two) = (Instance::start(), Instance::start());
    one.set_ready(false);
    two.set_ready(false);
    let listed = urls(&[&one, &two]);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &listed), ("GATEWAY__HEALTH__INTERVAL_MS", "30")]).await;
    eventually("the checks", || one.checks() > 3 && two.checks() > 3).await;
    assert_eq!(metric(&world.gateway, "gateway_instances_up").await, 0);
    get(&world.gateway, 50, 5).await;
    assert!(one.count() > 0 && two.count() > 0);
}

#[actix_web::test]
async fn a_service_that_fails_is_left_alone_and_recovers_by_itself() {
    let (one, two) = (Instance::start(), Instance::start());
    one.answer_with(503);
    two.answer_with(503);
    let world = spawn_before(&[&one, &two]).await;
    let mut refused = 0;
    for _ in 0..300 {
        let answer = world.gateway.get(PATH).send().await.unwrap();
        assert_eq!(answer.status(), 503);
        if answer.headers().get("content-type").is_some_and(|kind| kind == "application/problem+json") {
            assert_eq!(answer.headers()["retry-after"], "1");
            refused += 1;
        }
    }
    let reached = one.count() + two.count();
    assert!(refused > 100 && reached < 300, "{refused} of 300 were refused, and {reached} tries were made");
    one.answer_with(200);
    two.answer_with(200);
    let mut status = 0;
    for _ in 0..100 {
        status = world.gateway.get(PATH).send().await.unwrap().status().as_u16();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, 200);
    assert_eq!(world.gateway.get(PATH).send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn a_clients_bad_requests_stop_nobody() {
    let instance = Instance::start();
    let world = spawn_before(&[&instance]).await;
    for status in [400, 404, 422, 429] {
        instance.answer_with_problem(status);
        get(&world.gateway, 40, 4).await;
    }
    assert_eq!(instance.count(), 160);
}

#[actix_web::test]
async fn all_down_is_503_and_over_when_they_are_back() {
    let (mut one, two) = (Instance::start(), Instance::start());
    let world = spawn_before(&[&one, &two]).await;
    one.kill().await;
    two.kill().await;
    for _ in 0..60 {
        assert_eq!(problem(world.gateway.get(PATH)).await, (503, "upstream_unavailable".to_owned()));
    }
    one.start_again().await;
    for attempt in 0.. {
        if world.gateway.get(PATH).send().await.unwrap().status() == 200 {
            break;
        }
        assert!(attempt < 100, "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
