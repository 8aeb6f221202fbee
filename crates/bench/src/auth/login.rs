//! Logins a second, beside the hashes a second that the same processor can do at that cost.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::{
    plinth::{Load, Person, Plinth, drive, send},
    report::{Report, Target},
    servers::Servers,
    spread::median,
};

const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_secs(4);

/// What auth hashes at: OWASP's first choice for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A login does little beside the hash.
const TARGET: Target = Target::AtLeast(0.85);

pub(super) async fn measure(
    plinth: &Plinth,
    servers: &Servers,
    people: &[Person],
    report: &mut Report,
) -> anyhow::Result<()> {
    let log_in =
        async |client: usize| send(people[client].login(plinth.http(), &plinth.url()), 200).await.map(drop);
    let meter = plinth.meter(servers).await?;
    let (mut ceilings, mut logins) = (Vec::new(), Load::default());
    for round in 1..=ROUNDS {
        report.doing(&format!("hashes and logins, round {round} of {ROUNDS}"));
        ceilings.push(tokio::task::spawn_blocking(ceiling).await??);
        logins.add(drive(&meter, people.len(), ROUND, log_in).await?);
    }
    let ceiling = median(ceilings);
    report.figure("auth: Argon2id alone, a thread a core", ceiling, "/s");
    report.compared("auth: logins", logins.rate(), "/s", ("Argon2id alone", ceiling), TARGET);
    report.figure("auth: a login, CPU", logins.cpu(), "ms/req");
    report.figure("auth: a login, PostgreSQL's CPU", logins.postgres_cpu(), "ms/req");
    report.figure("auth: a login, statements", logins.statements(), "/req");
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
