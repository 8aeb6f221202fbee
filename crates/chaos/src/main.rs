//! `make chaos`: plays faults against the gateway and webhook, and holds what their clients see to what is
//! promised.

mod auth;
mod client;
mod gateway;
mod instance;
mod instances;
mod load;
mod program;
mod redis;
mod reload;
mod rolling;
mod servers;
mod slow;
mod thing;
mod upstreams;
mod webhook;
mod wire;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use figures::{machine, report::Report};
use tokio::signal::unix::{SignalKind, signal};

/// Plays faults against the real gateway, and fails when its clients see what they must not.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// What to play; everything, if nothing is named.
    #[arg(value_parser = ["upstreams", "redis", "slow", "rolling", "auth", "reload", "webhook"])]
    scenarios: Vec<String>,
    /// upstreams and webhook: how long processes are killed; other faults last half as long.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// auth: how long it is away.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// webhook: how many messages are sent under kills.
    #[arg(long, default_value_t = 10_000)]
    messages: usize,
    /// Be an instance of a service on this port.
    #[arg(long, hide = true, requires = "record")]
    serve_at: Option<u16>,
    /// Where that instance writes down what reached it.
    #[arg(long, hide = true)]
    record: Option<PathBuf>,
}

impl Options {
    fn plays(&self, scenario: &str) -> bool {
        self.scenarios.is_empty() || self.scenarios.iter().any(|named| named == scenario)
    }
}

#[expect(clippy::print_stderr, reason = "it is a command, and says why it fails")]
fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        match (options.serve_at, &options.record) {
            (Some(port), Some(record)) => instance::serve(port, record).await,
            _ => play_or_stop(options).await,
        }
    }))
}

/// A process that nobody stops would outlive this one: it ends with what is dropped here.
async fn play_or_stop(options: &Options) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        played = play(options) => played,
        _ = terminate.recv() => anyhow::bail!("stopped"),
        _ = interrupt.recv() => anyhow::bail!("stopped"),
    }
}

async fn play(options: &Options) -> anyhow::Result<()> {
    let mut report = Report::new(machine::describe());
    if options.plays("upstreams") {
        upstreams::play(options, &mut report).await?;
    }
    if options.plays("redis") {
        redis::play(&mut report).await?;
    }
    if options.plays("slow") {
        slow::play(&mut report).await?;
    }
    if options.plays("rolling") {
        rolling::play(&mut report).await?;
    }
    if options.plays("auth") {
        auth::play(options, &mut report).await?;
    }
    if options.plays("reload") {
        reload::play(&mut report).await?;
    }
    if options.plays("webhook") {
        webhook::play(options, &mut report).await?;
    }
    report.finish(Path::new("target/chaos"))?;
    let missed = report.missed();
    anyhow::ensure!(missed == 0, "{missed} of what is promised does not hold");
    Ok(())
}

/// A count as a figure.
fn count(of: usize) -> f64 {
    u32::try_from(of).map_or(f64::NAN, f64::from)
}
