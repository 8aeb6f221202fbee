//! A gateway is replaced by its successor again and again, under clients of every kind.

mod clients;

use std::{cell::Cell, path::Path, time::Duration};

use anyhow::Context;
use figures::{
    report::{Report, Target},
    spread::Spread,
};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::{client::Port, gateway::Gateway, instances::Instances, servers::redis};
use clients::Clients;

/// How often it is replaced.
const TIMES: usize = 20;

/// How long the old one takes requests after SIGTERM; until its clients learn of the new one; and
/// how long it may take to end then.
const DRAIN_SECONDS: &str = "2";
const LEARN: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(20);

/// What is told of at most.
const SHOWN: usize = 10;

pub(crate) async fn play(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let redis = redis(dir.path()).await?;
    let instances = Instances::start(dir.path(), 2).await?;
    let start = async || gateway(dir.path(), &redis.url(), &instances.urls()).await;
    let mut gateway = start().await?;
    let (place, is_over) = (gateway.place(), Cell::new(false));
    let clients = Clients::default();
    let replaced = async {
        let ends = replace_often(&mut gateway, start, &place, &clients, report).await;
        is_over.set(true);
        ends
    };
    let (ends, ()) = tokio::join!(replaced, clients.run(&place, &is_over));
    let spread = Spread::of(ends?);
    clients.errors().iter().take(SHOWN).for_each(|error| report.doing(error));
    clients.tell(report);
    report.figure("rolling: from SIGTERM to the end, p50", spread.millis(50) / 1000.0, "s");
    report.held(
        "rolling: from SIGTERM to the end, longest",
        spread.millis(100) / 1000.0,
        "s",
        Target::AtMost(12.0),
    );
    Ok(())
}

async fn gateway(dir: &Path, redis: &str, urls: &str) -> anyhow::Result<Gateway> {
    let variables = [
        ("GATEWAY__REDIS__URL", redis),
        ("PREFS_SERVICE_URL", urls),
        ("GATEWAY__LIMITS__ENFORCED", "false"),
        ("GATEWAY__HTTP__DRAIN_SECONDS", DRAIN_SECONDS),
    ];
    Gateway::start(dir, &variables).await
}

/// How long each took to end.
async fn replace_often(
    gateway: &mut Gateway,
    start: impl AsyncFn() -> anyhow::Result<Gateway>,
    place: &Port,
    clients: &Clients,
    report: &Report,
) -> anyhow::Result<Vec<Duration>> {
    sleep(Duration::from_secs(2)).await;
    let mut ends = Vec::new();
    for round in 1..=TIMES {
        report.doing(&format!("rolling: {round} of {TIMES}, {} errors so far", clients.errors().len()));
        let successor = start().await?;
        ends.push(replace(gateway, successor, place).await?);
    }
    sleep(Duration::from_secs(1)).await;
    Ok(ends)
}

/// How long the old one took to end.
async fn replace(old: &mut Gateway, successor: Gateway, place: &Port) -> anyhow::Result<Duration> {
    let began = Instant::now();
    old.program.signal(Signal::TERM)?;
    // As endpoints come to be known: a while after the process was told to end.
    sleep(LEARN).await;
    place.set(successor.port);
    let mut old = std::mem::replace(old, successor);
    let status = old.program.ended(PATIENCE).await?.context("the old gateway does not end")?;
    anyhow::ensure!(status.success(), "the old gateway ended with {status}");
    Ok(began.elapsed())
}
