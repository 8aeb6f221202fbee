//! 10,000 messages to 20 endpoints while workers, the API and PostgreSQL are killed at random, and a worker
//! stands still for longer than its leases.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use figures::report::{Report, Target};
use futures_util::{StreamExt, stream};
use rustix::process::Signal;

use super::world::World;
use crate::{Options, count};

const ENDPOINTS: usize = 20;
const CLIENTS: usize = 8;
/// How many are under way to an endpoint at once: what is killed leaves no more than these to be sent twice.
const WIDTH: usize = 16;
/// Longer than a lease lasts, and shorter.
const STANDSTILL: Duration = Duration::from_secs(40);
const PAUSES: std::ops::Range<u64> = 1_000..4_000;
/// How long it may take until everything is there after the last kill.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long nothing may be delivered, whatever was killed, seconds.
const RECOVERY: f64 = 60.0;

pub(super) async fn play(options: &Options, world: &mut World, report: &mut Report) -> anyhow::Result<()> {
    let messages = options.messages;
    report.doing(&format!("webhook: {messages} messages to {ENDPOINTS} endpoints under kills"));
    for endpoint in 0..ENDPOINTS {
        world.endpoint((&format!("kill/{endpoint}"), "kill"), false, 10_000).await?;
    }
    let (client, token) = (world.client.clone(), world.token.clone());
    let sending = stream::iter(0..messages).map(|number| send(&client, &token, number));
    let sending = sending.buffer_unordered(CLIENTS).collect::<HashSet<String>>();
    let (sent, kills) = tokio::join!(sending, kill(world, Duration::from_secs(options.seconds)));
    let kills = kills?;
    settled(world).await?;
    let longest = standstill(world);
    report.held("webhook: the longest time without a delivery", longest, "s", Target::AtMost(RECOVERY));
    let (mut missing, mut twice) = (0, 0);
    for endpoint in 0..ENDPOINTS {
        let taken = world.sink.taken(&format!("kill/{endpoint}"));
        let ids: HashSet<String> = taken.iter().map(|one| one.id.clone()).collect();
        missing += sent.difference(&ids).count();
        twice += taken.len() - ids.len();
    }
    report.figure("webhook: kills", count(kills), "");
    report.held("webhook: deliveries that are missing", count(missing), "", Target::AtMost(0.0));
    // A PostgreSQL that is killed leaves both workers with what they had under way.
    let most = count(2 * kills * ENDPOINTS * WIDTH);
    report.held(
        "webhook: deliveries that came twice, at most what was under way",
        count(twice),
        "",
        Target::AtMost(most),
    );
    let stuck = world.number("SELECT count(*) FROM deliveries WHERE state <> 'delivered'").await?;
    report.held(
        "webhook: deliveries that are stuck",
        count(usize::try_from(stuck)?),
        "",
        Target::AtMost(0.0),
    );
    Ok(())
}

async fn send(client: &contract_webhook::Client, token: &str, number: usize) -> String {
    World::send_by(client, token, "kill", number).await
}

/// Kills for so long; how often.
async fn kill(world: &mut World, time: Duration) -> anyhow::Result<usize> {
    let (mut kills, began) = (0, Instant::now());
    // One stands still from the beginning on, and then by chance.
    world.workers[1].signal(Signal::STOP)?;
    let mut still = Some(began);
    while began.elapsed() < time {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(PAUSES))).await;
        match (fastrand::u8(0..8), still) {
            (0 | 1, _) => world.kill_api()?,
            (2, _) => world.kill_postgres().await?,
            (3 | 4, None) => {
                world.workers[1].signal(Signal::STOP)?;
                still = Some(Instant::now());
            }
            _ => world.kill_worker(0)?,
        }
        if still.is_some_and(|since| since.elapsed() > STANDSTILL) {
            world.workers[1].signal(Signal::CONT)?;
            still = None;
        }
        kills += 1;
    }
    world.workers[1].signal(Signal::CONT)?;
    Ok(kills)
}

/// The longest time in which nothing was delivered anywhere, seconds.
fn standstill(world: &World) -> f64 {
    let places = (0..ENDPOINTS).flat_map(|endpoint| world.sink.taken(&format!("kill/{endpoint}")));
    let mut times: Vec<Instant> = places.map(|taken| taken.at).collect();
    times.sort_unstable();
    times.windows(2).map(|two| (two[1] - two[0]).as_secs_f64()).fold(0.0, f64::max)
}

/// Waits until nothing is to be done any more.
async fn settled(world: &World) -> anyhow::Result<()> {
    let began = Instant::now();
    while world.number("SELECT count(*) FROM jobs").await? > 0 {
        anyhow::ensure!(began.elapsed() < PATIENCE, "jobs are left");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
