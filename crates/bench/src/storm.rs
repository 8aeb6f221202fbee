//! A storm of logins, ten times what can be hashed: what it does to those who have a token.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Context;
use contract_auth::Login;
use ids::UserId;
use reqwest::RequestBuilder;
use tokio::task::JoinSet;

use crate::{
    login::ceiling,
    plinth::{Person, Plinth, arrive, forwarded, send},
    report::{Report, Target},
    servers::Servers,
    spread::Spread,
};

/// Quiet and storm alternate, so that what else the machine does falls on both.
const ROUNDS: u32 = 4;
const ROUND: Duration = Duration::from_secs(8);

/// Those who have a token come so often, of each kind.
const EVERY: Duration = Duration::from_millis(20);

/// Logins of what can be hashed.
const TIMES: f64 = 10.0;

const TARGET: Target = Target::AtMost(2.0);

pub(crate) async fn measure(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("starting Plinth");
    let plinth = Plinth::start(servers).await?;
    let [ada] = <[Person; 1]>::try_from(arrive(&plinth, 1).await?)
        .map_err(|_others| anyhow::anyhow!("one person"))?;
    let hashes = tokio::task::spawn_blocking(ceiling).await??;
    verified(&plinth, &ada, Duration::from_secs(2)).await?;
    let (mut quiet, mut stormy, mut answers) = (Times::default(), Times::default(), Answers::default());
    for round in 1..=ROUNDS {
        report.doing(&format!("requests with a token, without and in a storm, round {round} of {ROUNDS}"));
        quiet.add(verified(&plinth, &ada, ROUND).await?);
        let (gateway, rate) = (plinth.url(), TIMES * hashes);
        let storm = tokio::task::spawn_blocking(move || on_its_own_thread(storm(gateway, rate)));
        stormy.add(verified(&plinth, &ada, ROUND).await?);
        answers.add(&storm.await??);
    }
    let (quiet, stormy, span) = (quiet.spreads(), stormy.spreads(), (ROUND * ROUNDS).as_secs_f64());
    report.figure("storm: logins that came", f64::from(answers.came) / span, "/s");
    report.beside(
        "storm: logins answered",
        f64::from(answers.hashed) / span,
        "/s",
        ("Argon2id alone", hashes),
    );
    report.figure("storm: logins shed by 503 with Retry-After", f64::from(answers.shed) / span, "/s");
    for ((name, quiet), stormy) in ["GET /me", "GET prefs"].iter().zip(quiet).zip(stormy) {
        report.figure(format!("storm: {name} when quiet, p50"), quiet.millis(50), "ms");
        report.figure(format!("storm: {name} in the storm, p50"), stormy.millis(50), "ms");
        report.figure(format!("storm: {name} when quiet, p99"), quiet.millis(99), "ms");
        let (name, value) = (format!("storm: {name} in the storm, p99"), stormy.millis(99));
        report.compared(name, value, "ms", ("quiet", quiet.millis(99)), TARGET);
    }
    Ok(())
}

/// How long each answer took, of each kind.
#[derive(Default)]
struct Times([Vec<Duration>; 2]);

impl Times {
    fn add(&mut self, more: [Vec<Duration>; 2]) {
        for (all, more) in self.0.iter_mut().zip(more) {
            all.extend(more);
        }
    }

    fn spreads(self) -> [Spread; 2] {
        self.0.map(Spread::of)
    }
}

/// How long `GET /me` and a document of preferences take; all must succeed.
async fn verified(plinth: &Plinth, ada: &Person, span: Duration) -> anyhow::Result<[Vec<Duration>; 2]> {
    let (me, prefs) = tokio::join!(
        at_a_rate(plinth, ada, "/api/v1/auth/me", span),
        at_a_rate(plinth, ada, "/api/v1/prefs/appearance", span),
    );
    Ok([me?, prefs?])
}

/// Asks at fixed times, whether those before were answered or not.
async fn at_a_rate(
    plinth: &Plinth,
    ada: &Person,
    path: &str,
    span: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let mut asked = JoinSet::new();
    let mut ticks = tokio::time::interval(EVERY);
    let until = Instant::now() + span;
    while Instant::now() < until {
        ticks.tick().await;
        let request = plinth.http().get(format!("{}{path}", plinth.url()));
        asked.spawn_local(timed(request.bearer_auth(ada.token().expose())));
    }
    asked.join_all().await.into_iter().collect()
}

async fn timed(request: RequestBuilder) -> anyhow::Result<Duration> {
    let asked = Instant::now();
    send(request, 200).await?;
    Ok(asked.elapsed())
}

/// How logins were answered.
#[derive(Debug, Default)]
struct Answers {
    came: u32,
    hashed: u32,
    shed: u32,
}

impl Answers {
    const fn add(&mut self, more: &Self) {
        self.came += more.came;
        self.hashed += more.hashed;
        self.shed += more.shed;
    }
}

/// The storm keeps its own thread busy, not the one that measures.
fn on_its_own_thread<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(work))
}

/// So many logins a second, each of somebody else from somewhere else.
async fn storm(gateway: String, rate: f64) -> anyhow::Result<Answers> {
    let http = testing::http();
    let answers = Rc::new(RefCell::new(Answers::default()));
    let mut asked = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let until = Instant::now() + ROUND;
    while Instant::now() < until {
        ticks.tick().await;
        let login =
            Login { email: format!("{}@example.com", UserId::generate()), password: "whatever".into() };
        let request = forwarded(http.post(format!("{gateway}/api/v1/auth/login"))).json(&login);
        let answers = Rc::clone(&answers);
        asked.spawn_local(async move { note(request, &answers).await });
    }
    asked.join_all().await.into_iter().collect::<anyhow::Result<Vec<()>>>()?;
    Ok(answers.take())
}

async fn note(request: RequestBuilder, answers: &RefCell<Answers>) -> anyhow::Result<()> {
    answers.borrow_mut().came += 1;
    let reply = request.send().await.context("no answer")?;
    match (reply.status().as_u16(), reply.headers().contains_key("retry-after")) {
        (401, _) => answers.borrow_mut().hashed += 1,
        (503, true) => answers.borrow_mut().shed += 1,
        (status, _) => anyhow::bail!("a login was answered with {status}: {}", reply.text().await?),
    }
    Ok(())
}
