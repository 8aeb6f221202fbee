//! Jobs: how many a second, how soon, and what an open transaction costs.

mod limit;
mod peer;
mod work;

use std::time::Duration;

use service_kit::migrations::Catalogue;

use crate::{
    Options,
    report::{Report, Target},
    servers::{Servers, connect},
    spread::median,
};
use work::{Bench, Flow};

/// How many jobs lie ready when throughput is measured.
const READY: u32 = 30_000;
/// How long jobs flow before the transaction is opened.
const FLOW: Duration = Duration::from_secs(40);

pub(crate) async fn measure(options: &Options, servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    let url = servers.database("jobs", Catalogue::embedded(&[&jobs::MIGRATIONS])?).await?;
    let bench = Bench::new(&url)?;
    let mut rates = Vec::new();
    for round in 1..=3 {
        report.doing(&format!("{READY} no-op jobs, round {round} of 3"));
        rates.push(bench.throughput(READY).await?);
    }
    let rate = median(rates);
    report.figure("jobs: no-op jobs, one worker", rate, "jobs/s");
    if options.compares("pgbench") {
        report.doing("pgbench: a bare SKIP LOCKED loop");
        let limit = limit::measure(&url, READY).await?;
        report.figure("pgbench: bare SKIP LOCKED loop, 8 clients", limit, "rows/s");
        report.compared("jobs: no-op jobs", rate, "jobs/s", ("the bare loop", limit), Target::AtLeast(0.5));
    }
    if options.compares("graphile-worker") {
        report.doing("graphile-worker, installed by npm");
        let peer = peer::measure(&url, READY).await?;
        report.figure("graphile-worker: no-op jobs, its defaults", peer.rate, "jobs/s");
        report.figure("graphile-worker: enqueue to start, p99 at 100/s", peer.p99, "ms");
        report.compared(
            "jobs: no-op jobs",
            rate,
            "jobs/s",
            ("graphile-worker", peer.rate),
            Target::AtLeast(1.0),
        );
    }
    latency(&bench, report, "").await?;
    held(options, &url, &bench, report).await
}

async fn latency(bench: &Bench, report: &mut Report, when: &str) -> anyhow::Result<()> {
    report.doing("enqueue to start at 100 jobs/s");
    let spread = bench.latency(1000, Duration::from_millis(10)).await?;
    report.figure(format!("jobs: enqueue to start, p50 at 100/s{when}"), spread.millis(50), "ms");
    report.figure(format!("jobs: enqueue to start, p99 at 100/s{when}"), spread.millis(99), "ms");
    Ok(())
}

/// An open transaction keeps VACUUM from removing what has ended.
async fn held(options: &Options, url: &str, bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    report.doing(&format!("jobs flow for {} s", FLOW.as_secs()));
    let free = bench.flow(Flow { span: FLOW, of_the_last: FLOW / 2 }).await?;
    let holder = connect(url).await?;
    holder.batch_execute("BEGIN; SELECT pg_current_xact_id(); SELECT count(*) FROM jobs").await?;
    let span = Duration::from_secs(options.held_seconds);
    report.doing(&format!("jobs flow for {} s while a transaction is open", span.as_secs()));
    let of_the_last = (span / 4).max(Duration::from_secs(5));
    let held = bench.flow(Flow { span, of_the_last }).await?;
    report.figure("jobs: flow without an open transaction", free, "jobs/s");
    report.compared(
        format!("jobs: flow at the end of {} s with one open", span.as_secs()),
        held,
        "jobs/s",
        ("without", free),
        Target::AtLeast(0.9),
    );
    latency(bench, report, ", still open").await?;
    holder.batch_execute("ROLLBACK").await?;
    Ok(())
}
