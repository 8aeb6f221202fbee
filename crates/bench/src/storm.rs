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
    auth::ceiling,
    plinth::{Person, Plinth, arrive, forwarded, send},
    report::{Report, Target},
    servers::Servers,
    spread::Spread,
};

const QUIET: Duration = Duration::from_secs(15);
const STORM: Duration = Duration::from_secs(20);

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
    report.doing("no logins, and some requests with a token");
    let quiet = verified(&plinth, &ada, QUIET).await?;
    report.doing("the same in a storm of logins");
    let (stormy, answers) = tokio::join!(verified(&plinth, &ada, STORM), storm(&plinth, TIMES * hashes));
    let (stormy, answers) = (stormy?, answers?);
    let span = STORM.as_secs_f64();
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

/// How long `GET /me` and a document of preferences take; all must succeed.
async fn verified(plinth: &Plinth, ada: &Person, span: Duration) -> anyhow::Result<[Spread; 2]> {
    let (me, prefs) = tokio::join!(
        at_a_rate(plinth, ada, "/api/v1/auth/me", span),
        at_a_rate(plinth, ada, "/api/v1/prefs/appearance", span),
    );
    Ok([me?, prefs?])
}

/// Asks at fixed times, whether those before were answered or not.
async fn at_a_rate(plinth: &Plinth, ada: &Person, path: &str, span: Duration) -> anyhow::Result<Spread> {
    let mut asked = JoinSet::new();
    let mut ticks = tokio::time::interval(EVERY);
    let until = Instant::now() + span;
    while Instant::now() < until {
        ticks.tick().await;
        let request = plinth.http().get(format!("{}{path}", plinth.url()));
        asked.spawn_local(timed(request.bearer_auth(ada.token().expose())));
    }
    let times: anyhow::Result<Vec<Duration>> = asked.join_all().await.into_iter().collect();
    Ok(Spread::of(times?))
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

/// So many logins a second, each of somebody else from somewhere else.
async fn storm(plinth: &Plinth, rate: f64) -> anyhow::Result<Answers> {
    let answers = Rc::new(RefCell::new(Answers::default()));
    let mut asked = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let until = Instant::now() + STORM;
    while Instant::now() < until {
        ticks.tick().await;
        let login =
            Login { email: format!("{}@example.com", UserId::generate()), password: "whatever".into() };
        let request =
            forwarded(plinth.http().post(format!("{}/api/v1/auth/login", plinth.url()))).json(&login);
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
