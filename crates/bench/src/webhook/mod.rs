//! Webhooks: how many are accepted and delivered a second and what each costs, how soon they arrive,
//! and whether endpoints that hang, a backlog or huge answers harm the others.

mod sink;
mod world;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::{
    plinth::memory,
    report::{Report, Target},
    servers::Servers,
    spread::Spread,
};
use sink::Arrivals;
use world::World;

/// Endpoints, each of a type of its own, and those that all get one type; with one that hangs and one whose
/// answers are huge, they are as many as an organisation has.
const ENDPOINTS: usize = 90;
const FAN: usize = 8;
/// Messages as fast as it goes, and how many are on their way to us at once.
const MANY: usize = 10_000;
const FANNED: usize = 2_500;
const CLIENTS: usize = 32;
/// Messages at a rate: one in each pause.
const PAUSE: Duration = Duration::from_millis(10);
const AT_RATE: usize = 2_000;
/// What an endpoint that hangs, or a slow one, is sent besides.
const TO_HANGING: usize = 1_600;
const BACKLOG: usize = 100_000;
/// Answers of 200 MB.
const HUGE: usize = 24;

/// What is promised: deliveries a second, milliseconds, and mebibytes.
const RATE: f64 = 1000.0;
const SOON: f64 = 50.0;
const MOST_MEMORY: f64 = 20.0;
/// How much later an endpoint that hangs may make the others' messages.
const MOVED: f64 = 1.2;

pub(crate) async fn measure(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("starting webhook, its receivers and their endpoints");
    let world = World::start(servers).await?;
    saturation(&world, servers, report).await?;
    let quiet = at_rate(&world, report, "", 0).await?;
    report.compared(
        "webhook: commit to sink, p99 at 100/s",
        quiet,
        "ms",
        ("50 ms", SOON),
        Target::AtMost(1.0),
    );

    world.hang().await?;
    let moved = at_rate(&world, report, ", one of 100 hangs", AT_RATE / ENDPOINTS).await?;
    beside(report, "one of 100 hangs", moved, quiet);
    world.send_many("hang.0", TO_HANGING).await?;
    let moved = at_rate(&world, report, ", 1,600 to one that hangs", 0).await?;
    beside(report, "1,600 to one that hangs", moved, quiet);
    report.doing(&format!("a backlog of {BACKLOG} of another organisation"));
    world.backlog(BACKLOG).await?;
    let moved = at_rate(&world, report, ", a backlog of 100,000", 0).await?;
    beside(report, "a backlog of 100,000", moved, quiet);
    world.clear().await?;
    huge_answers(&world, report).await
}

fn beside(report: &mut Report, what: &str, moved: f64, quiet: f64) {
    let name = format!("webhook: p99 at 100/s, {what}");
    report.compared(name, moved, "ms", ("the same without", quiet), Target::AtMost(MOVED));
}

/// As many as go, in one stream of clients; then what came is delivered by one process.
async fn saturation(world: &World, servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing(&format!("{MANY} messages as fast as it goes"));
    let meter = world.meter(servers).await?;
    let (before, began) = (meter.read().await?, Instant::now());
    let ids = world.send_all(MANY, CLIENTS).await?;
    let accepted = per_second(MANY, began);
    let arrivals = world.arrived(&ids).await?;
    let delivered = per_second(MANY, began);
    let spent = meter.since(before).await?;
    report.figure("webhook: messages accepted while they are delivered", accepted, "msg/s");
    let wanted = ("1,000/s", RATE);
    report.compared("webhook: accepted and delivered", delivered, "msg/s", wanted, Target::AtLeast(1.0));
    report.figure("webhook: own CPU for each", spent.own.as_secs_f64() * 1000.0 / count(MANY), "ms");
    report.figure(
        "webhook: PostgreSQL's CPU for each",
        spent.postgres.as_secs_f64() * 1000.0 / count(MANY),
        "ms",
    );
    report.figure("webhook: statements for each", spent.statements / count(MANY), "");
    let spread = world.delays(&ids, &arrivals).await?;
    report.figure("webhook: commit to sink, p50 at saturation", spread.millis(50), "ms");
    report.figure("webhook: commit to sink, p99 at saturation", spread.millis(99), "ms");

    report.doing(&format!("{FANNED} messages to {FAN} endpoints each, as fast as it goes"));
    let (before, began) = (world.count(), Instant::now());
    world.send_many("fan", FANNED).await?;
    world.until(before + FANNED * FAN).await?;
    let rate = per_second(FANNED * FAN, began);
    let name = format!("webhook: deliveries while they are accepted, {FAN} of each message");
    report.compared(name, rate, "/s", wanted, Target::AtLeast(1.0));

    report.doing(&format!("{MANY} messages, then the worker"));
    world.pause_deliveries();
    let ids = world.send_all(MANY, CLIENTS).await?;
    let began = Instant::now();
    world.go_on().await?;
    world.arrived(&ids).await?;
    let rate = per_second(MANY, began);
    report.compared("webhook: deliveries of what waits", rate, "/s", wanted, Target::AtLeast(1.0));
    Ok(())
}

/// One message in each pause, to one endpoint after the other, and besides so many to the one that hangs;
/// the p99 in milliseconds.
async fn at_rate(world: &World, report: &mut Report, when: &str, hanging: usize) -> anyhow::Result<f64> {
    report.doing(&format!("{AT_RATE} messages at 100/s{when}"));
    let (mut next, mut sending) = (tokio::time::interval(PAUSE), JoinSet::new());
    for number in 0..AT_RATE {
        next.tick().await;
        if hanging > 0 && number % (AT_RATE / hanging) == 0 {
            world.sending("hang.0").await?;
        }
        sending.spawn_local(world.sending(&format!("t.{}", number % ENDPOINTS)));
    }
    let mut ids = Vec::with_capacity(AT_RATE);
    while let Some(sent) = sending.join_next().await {
        ids.push(sent??);
    }
    let arrivals = world.arrived(&ids).await?;
    let spread: Spread = world.delays(&ids, &arrivals).await?;
    report.figure(format!("webhook: commit to sink, p50 at 100/s{when}"), spread.millis(50), "ms");
    Ok(spread.millis(99))
}

async fn huge_answers(world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.doing(&format!("{HUGE} answers of 200 MB"));
    let before = memory(world.pid(), "VmRSS:")?;
    let sent = join_all((0..HUGE).map(|_| world.sending("huge.0"))).await;
    let ids = sent.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let _all: Arrivals = world.arrived(&ids).await?;
    let grown = (memory(world.pid(), "VmRSS:")? - before) / 1024.0;
    let wanted = ("what is allowed", MOST_MEMORY);
    report.compared("webhook: memory for answers of 200 MB", grown, "MiB", wanted, Target::AtMost(1.0));
    Ok(())
}

fn per_second(number: usize, began: Instant) -> f64 {
    count(number) / began.elapsed().as_secs_f64()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::NAN, f64::from)
}
