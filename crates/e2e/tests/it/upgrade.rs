//! The release before serves on this release's schema: what a rollout, or a rollback, is in between.
//! `cargo xtask upgrade` builds it and runs this.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use e2e::{PASSWORD, Plinth};
use ids::UserId;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// How many work at once while the schema changes.
const PEOPLE: usize = 8;

/// How many requests must have gone well before the migration, and behind it.
const REQUESTS: usize = 200;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the programs of the release before: cargo xtask upgrade"]
async fn the_release_before_serves_on_the_new_schema() {
    let plinth = Plinth::start_of(&testing::previous_bin_dir()).await;
    let load = Load::start(plinth.url()).await;
    load.until(REQUESTS).await;

    let told = migrate(&plinth);
    assert!(told.contains(": applied "), "there was nothing to migrate, so that nothing is shown:\n{told}");
    let at = load.done.load(Ordering::Relaxed);
    load.until(at + REQUESTS).await;
    let again = migrate(&plinth);
    assert!(!again.contains(": applied ") && again.contains(": up to date"), "{again}");

    let (people, done) = load.stop().await;
    println!("{done} requests by {PEOPLE} people, none failed:\n{told}");

    let plinth = plinth.replaced_by_this_release().await;
    for person in people {
        let person = Person::log_in(plinth.url(), person.email).await.unwrap();
        let kept = person.call(Method::GET, "/api/v1/prefs/appearance", None).await.unwrap();
        assert_eq!(kept["theme"], "dark");
        person.round().await.unwrap();
    }
}

/// `plinth migrate up` of this release, on the databases of what runs; gives what it says.
fn migrate(plinth: &Plinth) -> String {
    let output = plinth.command(&["migrate", "up"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// People who do what people do, until they are told to stop.
struct Load {
    people: Vec<JoinHandle<Result<Person, String>>>,
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    failed: Arc<Mutex<Option<String>>>,
}

impl Load {
    async fn start(url: &str) -> Self {
        let (done, stop, failed) = (Arc::default(), Arc::default(), Arc::default());
        let mut load = Self { people: Vec::new(), done, stop, failed };
        for _ in 0..PEOPLE {
            let person = Person::arrive(url).await;
            load.people.push(load.work(person));
        }
        load
    }

    fn work(&self, mut person: Person) -> JoinHandle<Result<Person, String>> {
        let (done, stop, failed) = (Arc::clone(&self.done), Arc::clone(&self.stop), Arc::clone(&self.failed));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let went = match person.round().await {
                    Ok(requests) => person.refresh().await.map(|()| requests + 1),
                    Err(why) => Err(why),
                };
                match went {
                    Ok(requests) => drop(done.fetch_add(requests, Ordering::Relaxed)),
                    Err(why) => {
                        *failed.lock().unwrap() = Some(why.clone());
                        return Err(why);
                    }
                }
            }
            Ok(person)
        })
    }

    /// Waits until so many requests have gone well in all.
    async fn until(&self, requests: usize) {
        while self.done.load(Ordering::Relaxed) < requests {
            assert_eq!(*self.failed.lock().unwrap(), None, "a request failed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everybody, and how many requests went well: all of them.
    async fn stop(self) -> (Vec<Person>, usize) {
        self.stop.store(true, Ordering::Relaxed);
        let mut people = Vec::new();
        for person in self.people {
            people.push(person.await.unwrap().unwrap());
        }
        (people, self.done.load(Ordering::Relaxed))
    }
}

/// Somebody, by raw HTTP: another release has other contracts.
struct Person {
    http: reqwest::Client,
    url: String,
    email: String,
    tokens: Value,
}

impl Person {
    async fn arrive(url: &str) -> Self {
        let email = format!("{}@example.com", UserId::generate());
        let account = json!({ "email": email, "password": PASSWORD });
        let register = testing::http().post(format!("{url}/api/v1/auth/register")).json(&account);
        assert!(register.send().await.unwrap().status().is_success());
        let person = Self::log_in(url, email).await.unwrap();
        let event_type = json!({ "name": "order.paid" });
        person.call(Method::POST, "/api/v1/webhooks/event-types", Some(event_type)).await.unwrap();
        person
    }

    async fn log_in(url: &str, email: String) -> Result<Self, String> {
        let http = testing::http();
        let login = json!({ "email": email, "password": PASSWORD });
        let reply = http.post(format!("{url}/api/v1/auth/login")).json(&login).send().await;
        let tokens = said("login", reply).await?;
        Ok(Self { http, url: url.to_owned(), email, tokens })
    }

    /// What people do, once; gives how many requests that were.
    async fn round(&self) -> Result<usize, String> {
        let dark = json!({ "theme": "dark" });
        let message = json!({ "event_type": "order.paid", "payload": { "order_id": "1042" } });
        self.call(Method::GET, "/api/v1/auth/me", None).await?;
        self.call(Method::PATCH, "/api/v1/prefs/appearance", Some(dark)).await?;
        self.call(Method::GET, "/api/v1/prefs", None).await?;
        self.call(Method::POST, "/api/v1/webhooks/messages", Some(message)).await?;
        self.call(Method::GET, "/api/v1/webhooks/messages", None).await?;
        Ok(5)
    }

    async fn refresh(&mut self) -> Result<(), String> {
        let token = json!({ "refresh_token": self.tokens["refresh_token"] });
        let refresh = self.http.post(format!("{}/api/v1/auth/refresh", self.url)).json(&token);
        self.tokens = said("refresh", refresh.send().await).await?;
        Ok(())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let token = self.tokens["access_token"].as_str().unwrap_or_default();
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(token);
        if let Some(body) = body {
            let kind =
                if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
            request = request.header("content-type", kind).header("if-match", "*").body(body.to_string());
        }
        said(&format!("{method} {path}"), request.send().await).await
    }
}

/// The answer's JSON; anything but success is a failure, with what was said.
async fn said(what: &str, reply: reqwest::Result<Response>) -> Result<Value, String> {
    let reply = reply.map_err(|why| format!("{what}: {why:?}"))?;
    let (status, text) = (reply.status(), reply.text().await.unwrap_or_default());
    if !status.is_success() {
        return Err(format!("{what}: {status} {text}"));
    }
    serde_json::from_str(&text).map_err(|why| format!("{what}: {why} in {text}"))
}
