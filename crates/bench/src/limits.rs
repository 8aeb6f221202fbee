//! Limits: what a decision costs beside a plain counter on the same Redis.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use deadpool_redis::{
    Config, Connection, Runtime,
    redis::{aio::MultiplexedConnection, pipe},
};
use futures_util::future::try_join_all;
use local_servers::{Redis, redis};
use rate_limiter::{Limiter, Options, Policy, Quota};

use crate::{
    report::{Report, Target},
    spread::median,
};

/// How many ask at once, over one connection.
const CLIENTS: usize = 64;

/// How many keys they ask about.
const KEYS: usize = 1_000;

/// Each way has so many rounds, one after the other, so that what else the machine does falls on
/// all of them.
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

/// A script costs more than two plain commands, but not twice as much.
const TARGET: Target = Target::AtLeast(0.5);

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let server = Redis::start(dir.path(), redis::Options::new("bench")).await?;
    let ways = Ways::new(&server.url()).await?;
    let (mut plain, mut one, mut three) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        report.doing(&format!("a counter, a limit, three limits, round {round} of {ROUNDS}"));
        plain.push(ways.rate(async |key| ways.incr(key).await).await?);
        one.push(ways.rate(async |key| ways.decide(key, 1).await).await?);
        three.push(ways.rate(async |key| ways.decide(key, 3).await).await?);
    }
    let [plain, one, three] = [plain, one, three].map(median);
    report.figure("limits: INCR and EXPIRE", plain, "/s");
    report.compared("limits: decisions by one policy", one, "/s", ("INCR and EXPIRE", plain), TARGET);
    report.beside("limits: decisions by three policies", three, "/s", ("INCR and EXPIRE", plain));
    Ok(())
}

struct Ways {
    connection: MultiplexedConnection,
    limiter: Limiter,
    policies: [Policy; 3],
}

impl Ways {
    async fn new(url: &str) -> anyhow::Result<Self> {
        let pool = Config::from_url(url).create_pool(Some(Runtime::Tokio1))?;
        let connection = Connection::take(pool.get().await?);
        // So long that nothing is counted elsewhere.
        let options = Options { patience: Duration::from_secs(20), ..Options::default() };
        // So much that nothing is refused, which would not ask Redis again.
        let quota = Quota::per_second(100_000).with_burst(10_000_000);
        let policies = ["ip", "user", "org"].map(|name| Policy::new(name, quota));
        Ok(Self { connection, limiter: Limiter::new(pool, options), policies })
    }

    /// What all clients together get done in a second.
    async fn rate(&self, act: impl AsyncFn(usize) -> anyhow::Result<()>) -> anyhow::Result<f64> {
        let (began, done) = (Instant::now(), Cell::new(0_u32));
        let client = async |number: usize| -> anyhow::Result<()> {
            let mut key = number;
            while began.elapsed() < ROUND {
                act(key % KEYS).await?;
                done.set(done.get() + 1);
                key += CLIENTS + 1;
            }
            Ok(())
        };
        try_join_all((0..CLIENTS).map(client)).await?;
        Ok(f64::from(done.get()) / began.elapsed().as_secs_f64())
    }

    /// A fixed window, as it is often written.
    async fn incr(&self, key: usize) -> anyhow::Result<()> {
        let (mut connection, name) = (self.connection.clone(), format!("plain:{key}"));
        let mut both = pipe();
        both.atomic().incr(&name, 1).expire(&name, 60);
        let (_count, _set): (u64, bool) = both.query_async(&mut connection).await?;
        Ok(())
    }

    async fn decide(&self, key: usize, policies: usize) -> anyhow::Result<()> {
        let counts: Vec<_> =
            self.policies.iter().take(policies).map(|policy| policy.of(key.to_string())).collect();
        anyhow::ensure!(self.limiter.check(&counts).await.is_allowed(), "a bench must not be refused");
        Ok(())
    }
}
