//! Clients that ask one thing after the other.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::try_join_all;
use reqwest::RequestBuilder;

use super::{Meter, Spent};
use crate::spread::Spread;

/// How asking went, and what it cost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    times: Vec<Duration>,
    span: Duration,
    spent: Spent,
}

/// `clients` ask for as long as that, each once at least; `ask` is told which one asks.
pub(crate) async fn drive(
    meter: &Meter,
    clients: usize,
    span: Duration,
    ask: impl AsyncFn(usize) -> anyhow::Result<()>,
) -> anyhow::Result<Load> {
    let (before, began) = (meter.read().await?, Instant::now());
    let asking = (0..clients).map(|client| keep_asking(&ask, client, began + span));
    let times = try_join_all(asking).await?.concat();
    let span = began.elapsed();
    Ok(Load { times, span, spent: meter.since(before).await? })
}

async fn keep_asking(
    ask: &impl AsyncFn(usize) -> anyhow::Result<()>,
    client: usize,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    loop {
        let asked = Instant::now();
        ask(client).await?;
        times.push(asked.elapsed());
        if Instant::now() >= until {
            return Ok(times);
        }
    }
}

/// Sends a request that must be answered with `status`; the body.
pub(crate) async fn send(request: RequestBuilder, status: u16) -> anyhow::Result<String> {
    let reply = request.send().await.context("no answer")?;
    let (url, found) = (reply.url().clone(), reply.status().as_u16());
    let text = reply.text().await?;
    anyhow::ensure!(found == status, "{url}: {found} instead of {status}: {text}");
    Ok(text)
}

impl Load {
    pub(crate) fn add(&mut self, more: Self) {
        self.times.extend(more.times);
        self.span += more.span;
        self.spent.own += more.spent.own;
        self.spent.postgres += more.spent.postgres;
        self.spent.statements += more.spent.statements;
    }

    fn count(&self) -> f64 {
        u32::try_from(self.times.len()).map_or(f64::NAN, f64::from)
    }

    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count() / self.span.as_secs_f64()
    }

    /// Half of the answers came within so many milliseconds.
    pub(crate) fn p50(&self) -> f64 {
        Spread::of(self.times.clone()).millis(50)
    }

    /// Milliseconds that the processes computed for a request.
    pub(crate) fn cpu(&self) -> f64 {
        self.spent.own.as_secs_f64() * 1000.0 / self.count()
    }

    /// Milliseconds that PostgreSQL computed for a request.
    pub(crate) fn postgres_cpu(&self) -> f64 {
        self.spent.postgres.as_secs_f64() * 1000.0 / self.count()
    }

    /// Statements sent for a request.
    pub(crate) fn statements(&self) -> f64 {
        self.spent.statements / self.count()
    }
}
