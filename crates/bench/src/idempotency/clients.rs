//! Clients that ask one thing after the other, each on a connection that it keeps.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use identity::{Claims, Permission};
use rustix::time::{ClockId, clock_gettime};
use testing::{Issuer, Person};

use super::{
    statements,
    thing::{PATH, SERVICE, Thing, WriteThings},
};
use crate::spread::Spread;

const CLIENTS: usize = 8;

/// How long the token lasts, seconds: longer than the bench.
const TOKEN: i64 = 3600;

/// With which `Idempotency-Key` a client asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    None,
    /// A new one each time.
    Fresh,
    /// Its own, always the same.
    Same,
}

pub(super) struct Clients {
    http: reqwest::Client,
    url: String,
    token: String,
    /// How many fresh keys there were.
    keys: Cell<u64>,
}

impl Clients {
    pub(super) fn new(base: &str, issuer: &Issuer) -> Self {
        let claims = issuer.claims(SERVICE, &Person::with_scopes(WriteThings::SCOPE));
        let token = issuer.sign(&Claims { exp: claims.iat + TOKEN, ..claims });
        Self { http: testing::http(), url: format!("{base}{PATH}"), token, keys: Cell::new(0) }
    }

    /// All clients ask for as long as that, once at least.
    pub(super) async fn ask(&self, key: Key, span: Duration) -> anyhow::Result<Load> {
        let (began, cpu, statements) = (Instant::now(), cpu(), statements::sent());
        let asking = (0..CLIENTS).map(|client| self.keep_asking(client, key, began + span));
        let times = try_join_all(asking).await?.concat();
        Ok(Load {
            times,
            span: began.elapsed(),
            cpu: self::cpu().saturating_sub(cpu),
            statements: statements::sent() - statements,
        })
    }

    /// How long each answer took.
    async fn keep_asking(&self, client: usize, key: Key, until: Instant) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        loop {
            let asked = Instant::now();
            self.post(client, key).await?;
            times.push(asked.elapsed());
            if Instant::now() >= until {
                return Ok(times);
            }
        }
    }

    async fn post(&self, client: usize, key: Key) -> anyhow::Result<()> {
        let thing = Thing { name: format!("of client {client}") };
        let request = self.http.post(&self.url).bearer_auth(&self.token).json(&thing);
        let request = match key {
            Key::None => request,
            Key::Fresh => request.header(idempotency::HEADER.as_str(), format!("new-{}", self.next_key())),
            Key::Same => request.header(idempotency::HEADER.as_str(), format!("of-client-{client}")),
        };
        let reply = request.send().await?;
        let status = reply.status().as_u16();
        let text = reply.text().await?;
        anyhow::ensure!(status == 201, "{status} {text}");
        Ok(())
    }

    fn next_key(&self) -> u64 {
        self.keys.replace(self.keys.get() + 1)
    }
}

/// How asking went.
#[derive(Debug, Default)]
pub(super) struct Load {
    times: Vec<Duration>,
    span: Duration,
    cpu: Duration,
    statements: u32,
}

impl Load {
    pub(super) fn add(&mut self, more: Self) {
        self.times.extend(more.times);
        self.span += more.span;
        self.cpu += more.cpu;
        self.statements += more.statements;
    }

    fn count(&self) -> f64 {
        u32::try_from(self.times.len()).map_or(f64::NAN, f64::from)
    }

    /// Requests a second.
    pub(super) fn rate(&self) -> f64 {
        self.count() / self.span.as_secs_f64()
    }

    /// Half of the answers came within so many milliseconds.
    pub(super) fn p50(&self) -> f64 {
        Spread::of(self.times.clone()).millis(50)
    }

    /// Milliseconds that this process computed for a request, the client's part included.
    pub(super) fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1000.0 / self.count()
    }

    /// Statements sent for a request.
    pub(super) fn statements(&self) -> f64 {
        f64::from(self.statements) / self.count()
    }
}

/// What this process has computed so far.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}
