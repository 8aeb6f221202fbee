//! auth is away for ten minutes: whoever is known goes on, and nobody is told what is not so.

mod visitors;
mod world;

use std::time::{Duration, Instant};

use anyhow::Context;
use contract_auth::Secret;
use figures::report::{Report, Target};
use tokio::time::sleep;

use crate::Options;
use visitors::{Phase, Visitors};
use world::World;

/// How long visitors come before auth goes: such that what some keys were exchanged for is as old
/// then as it gets.
const BEFORE: Duration = Duration::from_secs(330);

/// And after its return: so long that each has come once more.
const AFTER: Duration = Duration::from_secs(65);

/// How long it may take after the return until strangers are known, seconds.
const RETURN: f64 = 30.0;

pub(crate) async fn play(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    report.doing("auth: starting PostgreSQL, auth and the gateway");
    let mut world = World::start().await?;
    let token = world.login().await?.access_token;
    let mut keys = Vec::new();
    for _ in 0..visitors::KEYS + 2 {
        keys.push(world.api_key(&token).await?);
    }
    let visitors = Visitors::new(world.gateway.place(), token, keys)?;
    let directed = async {
        let directed = direct(options, &mut world, &visitors, report).await;
        visitors.phase.set(Phase::Over);
        directed
    };
    let (returned, ()) = tokio::join!(directed, visitors.come());
    let returned = returned?;
    visitors.tell(report);
    report.held("auth: from its return until a new key works", returned, "s", Target::AtMost(RETURN));
    Ok(())
}

/// auth goes and comes back; how long after its return a new key worked, seconds.
async fn direct(
    options: &Options,
    world: &mut World,
    visitors: &Visitors,
    report: &Report,
) -> anyhow::Result<f64> {
    pass(BEFORE, "auth: keys are used", report).await;
    visitors.token.replace(world.login().await?.access_token);
    sleep(Duration::from_secs(1)).await;
    world.kill_auth()?;
    visitors.phase.set(Phase::Away);
    pass(Duration::from_secs(options.minutes * 60), "auth: away", report).await;
    world.start_auth().await?;
    visitors.phase.set(Phase::Back);
    let began = Instant::now();
    let token = logs_in(world, began).await?;
    visitors.until_the_stranger_is_known(RETURN).await?;
    let returned = began.elapsed().as_secs_f64();
    visitors.token.replace(token);
    pass(AFTER, "auth: back", report).await;
    Ok(returned)
}

/// The way to auth may rest for a moment after all that has failed.
async fn logs_in(world: &World, began: Instant) -> anyhow::Result<Secret> {
    loop {
        match world.login().await {
            Ok(tokens) => return Ok(tokens.access_token),
            Err(why) if began.elapsed().as_secs_f64() > RETURN => return Err(why).context("no login"),
            Err(_not_yet) => sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn pass(time: Duration, what: &str, report: &Report) {
    let began = Instant::now();
    while began.elapsed() < time {
        let left = time - began.elapsed();
        report.doing(&format!("{what}, {} s more", left.as_secs()));
        sleep(left.min(Duration::from_secs(60))).await;
    }
}
