//! Many reloads, and several at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use gateway::Outcome;
use reqwest::{Client, Method};

use super::configured::{all, prefs, spawn};
use crate::instance::{Instance, PATH, urls};

const RELOADS: usize = 1_000;
const CLIENTS: usize = 6;

#[derive(Default)]
struct Load {
    answered: AtomicUsize,
    ends: AtomicBool,
}

impl Load {
    /// Sends requests on a kept connection until it is told to end.
    async fn send(self: Arc<Self>, url: String, method: Method) {
        let http = Client::builder().no_proxy().build().unwrap();
        while !self.ends.load(SeqCst) {
            let answer = http.request(method.clone(), &url).send().await.unwrap();
            let number = self.answered.fetch_add(1, SeqCst);
            assert_eq!(answer.status(), 200, "request {number}");
            assert_eq!(answer.text().await.unwrap(), "0 bytes");
        }
    }

    /// Waits for so many answers.
    async fn until(&self, answers: usize) {
        for _ in 0..30_000 {
            if self.answered.load(SeqCst) >= answers {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("never {answers} answers");
    }
}

#[actix_web::test]
async fn a_thousand_reloads_under_load_cost_no_request() {
    let [one, two, three, four] = std::array::from_fn(|_| Instance::start());
    // Weights, one that leaves, all that are replaced, and limits.
    let texts = [
        all(&[&one, &two]),
        prefs(&format!("{}?weight=9, {}", one.url, two.url)),
        prefs(&two.url),
        all(&[&three, &four]),
        format!(
            "{}[gateway]\nmax_body_bytes = 100\n[gateway.timeouts]\nconnect_ms = 2000\n",
            prefs(&urls(&[&four, &one]))
        ),
    ];
    let gateway = spawn(&texts[0]).await;
    let load = Arc::<Load>::default();
    let url = format!("http://{}{PATH}", gateway.gateway.address);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let method = if number % 2 == 0 { Method::GET } else { Method::POST };
            actix_web::rt::spawn(Arc::clone(&load).send(url.clone(), method))
        })
        .collect();
    for reload in 1..=RELOADS {
        gateway.apply(&texts[reload % texts.len()]).await;
        load.until(reload).await;
    }
    load.ends.store(true, SeqCst);
    join_all(clients).await.into_iter().for_each(Result::unwrap);
    let arrived: usize = [&one, &two, &three, &four].map(Instance::count).iter().sum();
    assert_eq!(arrived, load.answered.load(SeqCst), "each arrived, and once");
    assert_eq!(gateway.reloads("applied").await, RELOADS as i64);
}

#[actix_web::test]
async fn of_several_reloads_at_once_the_last_text_wins() {
    let (old, new) = (Instance::start(), Instance::start());
    let gateway = spawn(&all(&[&old])).await;
    gateway.write(&all(&[&new]));
    let outcomes = join_all((0..20).map(|_| gateway.gateway.reloader.reload())).await;
    let applied = outcomes.iter().filter(|outcome| **outcome == Some(Outcome::Applied)).count();
    let unchanged = outcomes.iter().filter(|outcome| **outcome == Some(Outcome::Unchanged)).count();
    assert_eq!((applied, unchanged), (1, 19));
    let asked = AtomicUsize::new(0);
    let writes = async {
        for round in 0..50 {
            gateway.write(&all(&[if round % 2 == 0 { &old } else { &new }]));
            tokio::task::yield_now().await;
        }
        gateway.write(&all(&[&new, &old]));
        gateway.gateway.reloader.reload().await.unwrap()
    };
    let asks = join_all((0..10).map(async |_| {
        for _ in 0..10 {
            gateway.gateway.reloader.reload().await.unwrap();
            asked.fetch_add(1, SeqCst);
        }
    }));
    let _ = futures_util::future::join(writes, asks).await;
    assert_eq!(asked.load(SeqCst), 100);
    assert_eq!(gateway.gateway.reloader.reload().await, Some(Outcome::Unchanged));
    let (to_old, to_new) = (old.count(), new.count());
    for _ in 0..60 {
        assert_eq!(gateway.gateway.get(PATH).send().await.unwrap().status(), 200);
    }
    assert!(old.count() > to_old && new.count() > to_new, "what was written last is in force");
}
