//! `make bench`: measures beside the limit or a peer, and prints ratios.

mod auth;
mod control_group;
mod events;
mod idempotency;
mod jobs;
mod limits;
mod login;
mod plinth;
mod proxy;
mod revocation;
mod served;
mod servers;
mod storm;
mod timing;
mod webhook;

use std::path::Path;

use clap::Parser;

use control_group::ControlGroup;
use figures::{machine, report, spread};
use report::Report;
use servers::Servers;
use service_kit::signals::terminated;

/// Measures, and compares with the limit or a peer in the same run.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// What to measure; everything, if nothing is named.
    #[arg(value_parser = ["jobs", "events", "idempotency", "revocation", "limits", "login", "auth", "timing", "storm", "proxy", "webhook"])]
    parts: Vec<String>,
    /// How long a transaction is held open while jobs flow, seconds.
    #[arg(long, default_value_t = 120)]
    held_seconds: u64,
    /// Leave out a peer, for a machine that cannot install it.
    #[arg(long, value_parser = ["graphile-worker", "pgbench", "better-auth", "nginx", "haproxy"])]
    without: Vec<String>,
}

impl Options {
    fn measures(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|named| named == part)
    }

    fn compares(&self, peer: &str) -> bool {
        !self.without.iter().any(|left_out| left_out == peer)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let _group = ControlGroup::enter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(measure_or_stop(&options)))
}

/// A server that nobody stops would outlive this process: it ends with what is dropped here.
async fn measure_or_stop(options: &Options) -> anyhow::Result<()> {
    tokio::select! {
        measured = measure(options) => measured,
        asked = terminated() => {
            asked?;
            anyhow::bail!("stopped")
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(machine::describe());
    let servers = Servers::start().await?;
    if options.measures("jobs") {
        jobs::measure(options, &servers, &mut report).await?;
    }
    if options.measures("idempotency") {
        idempotency::measure(&servers, &mut report).await?;
    }
    if options.measures("revocation") {
        revocation::measure(&mut report).await?;
    }
    if options.measures("limits") {
        limits::measure(&mut report).await?;
    }
    servers.stop().await?;
    if options.measures("events") {
        let servers = Servers::with_commit_times().await?;
        events::measure(&servers, &mut report).await?;
        servers.stop().await?;
    }
    measure_plinth(options, &mut report).await?;
    report.finish(Path::new("target/bench"))
}

/// What takes all of Plinth: each part has one of its own.
async fn measure_plinth(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    if options.measures("login") {
        let servers = Servers::with_statements().await?;
        login::measure(&servers, report).await?;
        servers.stop().await?;
    }
    if options.measures("auth") {
        let servers = Servers::with_statements().await?;
        auth::measure(options, &servers, report).await?;
        servers.stop().await?;
    }
    if options.measures("timing") {
        let servers = Servers::start().await?;
        timing::measure(&servers, report).await?;
        servers.stop().await?;
    }
    if options.measures("storm") {
        let servers = Servers::start().await?;
        storm::measure(&servers, report).await?;
        servers.stop().await?;
    }
    if options.measures("proxy") {
        let servers = Servers::start().await?;
        proxy::measure(options, &servers, report).await?;
        servers.stop().await?;
    }
    if options.measures("webhook") {
        let servers = Servers::with_statements_and_commit_times().await?;
        webhook::measure(&servers, report).await?;
        servers.stop().await?;
    }
    Ok(())
}
