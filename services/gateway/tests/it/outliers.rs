use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::{join, join_all};
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    balancing::metric,
    instance::{Instance, PATH, spawn_before, urls},
    spawn::{Gateway, eventually, spawn_with},
};

#[actix_web::test]
async fn one_that_fails_is_put_out_and_comes_back() {
    let (failing, fine, other) = (Instance::start(), Instance::start(), Instance::start());
    let world = spawn_before(&[&failing, &fine, &other]).await;
    // They earn what is sent once more below.
    for _ in 0..60 {
        world.gateway.get(PATH).send().await.unwrap();
    }
    failing.answer_with(503);
    failing.take(Duration::from_millis(50));
    let before = failing.count();
    let many = join_all((0..30).map(|_| world.gateway.get(PATH).send())).await;
    assert!(many.into_iter().all(|answer| answer.unwrap().status() == 200));
    assert!(failing.count() >= before + 3, "{}", failing.count() - before);
    assert_eq!(metric(&world.gateway, "gateway_instances_up").await, 2);
    failing.answer_with(200);
    for _ in 0..100 {
        assert_eq!(world.gateway.get(PATH).send().await.unwrap().status(), 200);
        if metric(&world.gateway, "gateway_instances_up").await == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come back");
}

#[actix_web::test]
async fn a_body_goes_whole_to_another_instance_when_one_takes_no_connection() {
    let (gone, there) = (Instance::start(), Instance::start());
    let world = spawn_before(&[&gone, &there]).await;
    gone.kill().await;
    for _ in 0..30 {
        let post = world.gateway.request(Method::POST, PATH).body(vec![b'x'; 200_000]);
        let answer = post.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), "200000 bytes");
    }
    assert_eq!((there.count(), gone.count()), (30, 0));
    assert_eq!(metric(&world.gateway, "gateway_retries_total").await, 0, "nothing was sent twice");
}

#[actix_web::test]
async fn a_get_that_hangs_is_sent_to_another_instance_and_a_post_is_not() {
    let (hanging, fine) = (Instance::start(), Instance::start());
    hanging.take(Duration::from_secs(5));
    let listed = format!("{}?weight=100, {}", hanging.url, fine.url);
    let quick = [("PREFS_SERVICE_URL", listed.as_str()), ("GATEWAY__TIMEOUTS__FIRST_BYTE_MS", "300")];
    let world = spawn_with(&quick).await;
    let gets = join_all((0..2).map(|_| world.gateway.get(PATH).send())).await;
    assert!(gets.into_iter().all(|answer| answer.unwrap().status() == 200));
    let before = hanging.count() + fine.count();
    assert!(before > 2, "one hung");
    let posts = join_all((0..2).map(|_| world.gateway.request(Method::POST, PATH).send())).await;
    assert!(posts.into_iter().any(|answer| answer.unwrap().status() == 504));
    assert_eq!(hanging.count() + fine.count(), before + 2);
}

#[actix_web::test]
async fn one_that_asks_for_a_pause_gets_it() {
    let (one, two) = (Instance::start(), Instance::start());
    for instance in [&one, &two] {
        instance.answer_with(503);
        instance.ask_for_a_pause();
    }
    let world = spawn_before(&[&one, &two]).await;
    assert_eq!(world.gateway.get(PATH).send().await.unwrap().status(), 503);
    assert_eq!(one.count() + two.count(), 1);
}

#[actix_web::test]
async fn a_slow_get_is_raced_by_another_and_the_loser_is_cancelled() {
    let (slow_url, cancelled, asked) = silent().await;
    let quick = Instance::start();
    let listed = format!("{slow_url}, {}", quick.url);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &listed), ("GATEWAY__HEDGE_MS", "50")]).await;
    for _ in 0..20 {
        assert_eq!(world.gateway.get(PATH).send().await.unwrap().status(), 200);
    }
    assert!(asked.load(SeqCst) > 0);
    assert_eq!(quick.count(), 20);
    eventually("the loser is cancelled", || cancelled.load(SeqCst)).await;
    assert!(metric(&world.gateway, "gateway_retries_total").await > 0);
}

#[actix_web::test]
async fn nothing_but_a_get_is_raced() {
    let (one, two) = (Instance::start(), Instance::start());
    for instance in [&one, &two] {
        instance.take(Duration::from_millis(200));
    }
    let listed = urls(&[&one, &two]);
    let world = spawn_with(&[("PREFS_SERVICE_URL", &listed), ("GATEWAY__HEDGE_MS", "20")]).await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::HEAD] {
        world.gateway.request(method, PATH).send().await.unwrap();
    }
    assert_eq!(one.count() + two.count(), 4);
    world.gateway.get(PATH).send().await.unwrap();
    assert_eq!(one.count() + two.count(), 6);
}

/// A service that reads requests and says nothing; whether one was cut off, and how many came.
async fn silent() -> (String, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (cancelled, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let (cut, count) = (Arc::clone(&cancelled), Arc::clone(&asked));
    actix_web::rt::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (cut, count) = (Arc::clone(&cut), Arc::clone(&count));
            actix_web::rt::spawn(async move {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.unwrap_or(0) > 0 {
                    count.fetch_add(1, SeqCst);
                    let is_over = stream.read(&mut request).await.unwrap_or(0) == 0;
                    cut.store(is_over, SeqCst);
                }
                let _ = stream.shutdown().await;
            });
        }
    });
    (url, cancelled, asked)
}

/// What clients saw.
#[derive(Default)]
struct Tally {
    requests: AtomicUsize,
    failed_gets: AtomicUsize,
    /// With a 503 that says when to come back.
    lost_posts: AtomicUsize,
    /// In any other way.
    odd_posts: AtomicUsize,
    over: AtomicBool,
}

/// GETs and POSTs in turn until it is over; each POST has a name of its own, and every
/// other one a body.
async fn client(gateway: &Gateway, number: usize, tally: &Tally) {
    for turn in 0.. {
        if tally.over.load(SeqCst) {
            return;
        }
        tally.requests.fetch_add(2, SeqCst);
        let get = gateway.get(PATH).send().await.unwrap().status();
        if get != 200 {
            tally.failed_gets.fetch_add(1, SeqCst);
        }
        let target = format!("{PATH}?{number}-{turn}");
        let post = gateway.request(Method::POST, &target);
        let post = if turn % 2 == 0 { post } else { post.body("x") };
        let post = post.send().await.unwrap();
        match post.status().as_u16() {
            200 => continue,
            503 if post.headers().contains_key("retry-after") => &tally.lost_posts,
            _ => &tally.odd_posts,
        }
        .fetch_add(1, SeqCst);
    }
}

#[actix_web::test]
async fn instances_that_die_under_load_cost_no_get_and_repeat_no_post() {
    let mut instances = [Instance::start(), Instance::start(), Instance::start()];
    for instance in &instances {
        instance.take(Duration::from_millis(5));
    }
    let world = spawn_before(&instances.each_ref()).await;
    let tally = Tally::default();
    let clients = join_all((0..12).map(|number| client(&world.gateway, number, &tally)));
    let killer = async {
        for round in 0..12 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            instances[round % 3].kill().await;
            tokio::time::sleep(Duration::from_millis(250)).await;
            instances[round % 3].start_again().await;
        }
        tally.over.store(true, SeqCst);
    };
    join(clients, killer).await;
    let requests = tally.requests.load(SeqCst);
    assert!(requests > 500, "{requests}");
    assert_eq!((tally.failed_gets.load(SeqCst), tally.odd_posts.load(SeqCst)), (0, 0), "of {requests}");
    let posts: Vec<String> =
        instances.iter().flat_map(Instance::seen).filter(|seen| seen.starts_with("POST")).collect();
    let different: BTreeSet<&String> = posts.iter().collect();
    assert_eq!(posts.len(), different.len(), "no POST arrives twice");
    let retries = metric(&world.gateway, "gateway_retries_total").await;
    assert!(retries * 5 <= requests, "{retries} of {requests}");
    assert!(metric(&world.gateway, "gateway_ejections_total").await > 0);
}

#[actix_web::test]
async fn instances_that_are_replaced_one_by_one_cost_nothing() {
    let mut instances = [Instance::start(), Instance::start()];
    let listed = urls(&instances.each_ref());
    let world = spawn_with(&[("PREFS_SERVICE_URL", &listed), ("GATEWAY__HEALTH__INTERVAL_MS", "30")]).await;
    let tally = Tally::default();
    let clients = join_all((0..6).map(|number| client(&world.gateway, number, &tally)));
    let replacement = async {
        for round in 0..6 {
            let instance = &mut instances[round % 2];
            instance.set_ready(false);
            let asked = instance.checks();
            eventually("three more checks", || instance.checks() > asked + 3).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            instance.kill().await;
            instance.start_again().await;
            instance.set_ready(true);
            let asked = instance.checks();
            eventually("two more checks", || instance.checks() > asked + 2).await;
        }
        tally.over.store(true, SeqCst);
    };
    join(clients, replacement).await;
    let failed = [&tally.failed_gets, &tally.lost_posts, &tally.odd_posts].map(|count| count.load(SeqCst));
    assert_eq!(failed, [0; 3], "of {}", tally.requests.load(SeqCst));
}
