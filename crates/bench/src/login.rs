//! Logins a second, beside the hashes a second that the same processor can do at that cost.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use futures_util::future::try_join_all;
use tokio::sync::Mutex;

use crate::{
    plinth::{Load, Plinth, Wire, arrive, drive},
    report::{Report, Target},
    servers::Servers,
};

/// So many log in at once.
const CLIENTS: usize = 16;
/// Many and short: what else a machine does falls on both alike.
const ROUNDS: u32 = 10;
const ROUND: Duration = Duration::from_secs(4);

/// What auth hashes at: OWASP's first choice for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A login does little beside the hash.
const TARGET: Target = Target::AtLeast(0.85);

pub(crate) async fn measure(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    report.doing("starting Plinth");
    let plinth = Plinth::start(servers).await?;
    let people = arrive(&plinth, CLIENTS).await?;
    let url = plinth.url();
    let meter = plinth.meter(servers).await?;
    let (mut ceilings, mut logins) = (Vec::new(), Load::default());
    for round in 1..=ROUNDS {
        report.doing(&format!("hashes and logins, round {round} of {ROUNDS}"));
        ceilings.push(tokio::task::spawn_blocking(ceiling).await??);
        let wires = try_join_all(people.iter().map(|person| person.login(&url))).await?;
        let wires: Vec<Mutex<Wire>> = wires.into_iter().map(Mutex::new).collect();
        let log_in = async |client: usize| wires[client].lock().await.send().await;
        logins.add(drive(&meter, people.len(), ROUND, log_in).await?);
    }
    let ceiling = ceilings.iter().sum::<f64>() / f64::from(ROUNDS);
    report.figure("login: Argon2id alone, a thread a core", ceiling, "/s");
    report.compared("login: logins", logins.rate(), "/s", ("Argon2id alone", ceiling), TARGET);
    report.figure("login: one, CPU", logins.cpu(), "ms/req");
    report.figure("login: one, PostgreSQL's CPU", logins.postgres_cpu(), "ms/req");
    report.figure("login: one, statements", logins.statements(), "/req");
    Ok(())
}

/// Hashes a second with as many threads as auth has, each in memory that it keeps.
pub(crate) fn ceiling() -> anyhow::Result<f64> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let until = Instant::now() + ROUND;
    let counts: Vec<anyhow::Result<u32>> = thread::scope(|scope| {
        let hashing: Vec<_> = (0..threads).map(|_| scope.spawn(move || hash_until(until))).collect();
        let ended = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or(Ok(0));
        hashing.into_iter().map(ended).collect()
    });
    let count: u32 = counts.into_iter().sum::<anyhow::Result<_>>()?;
    Ok(f64::from(count) / ROUND.as_secs_f64())
}

fn hash_until(until: Instant) -> anyhow::Result<u32> {
    let wrong = |why: argon2::Error| anyhow::anyhow!("{why}");
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(wrong)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut hash, mut count) = ([0; 32], 0);
    while Instant::now() < until {
        let hashed = argon2.hash_password_into_with_memory(b"a password", &[7; 16], &mut hash, &mut memory);
        hashed.map_err(wrong)?;
        count += 1;
    }
    Ok(count)
}
