//! Events: how soon and how many a second they get from the publisher's commit to the
//! receiver's.

mod publisher;
mod receiver;

use std::time::{Duration, Instant};

use anyhow::Context;
use service_kit::migrations::Catalogue;
use testing::Issuer;
use tokio_postgres::Client;

use crate::{
    report::{Report, Target},
    servers::{Servers, connect},
    spread::Spread,
};
use publisher::Publisher;
use receiver::Receiver;

/// How many events are in the log when a receiver is added.
const LOGGED: i64 = 20_000;
/// Events at a rate: one in each pause.
const SPAN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
const EVENTS: i64 = 6_000;
/// The longest wait for what was published.
const PATIENCE: Duration = Duration::from_secs(300);

/// Within which 99 of 100 events arrive, milliseconds.
const SOON: f64 = 250.0;

/// `servers` keeps when transactions committed.
pub(crate) async fn measure(servers: &Servers, report: &mut Report) -> anyhow::Result<()> {
    let tables = || Catalogue::embedded(&[&jobs::MIGRATIONS, &events::MIGRATIONS]);
    let published = servers.database("publisher", tables()?).await?;
    let received = servers.database("receiver", tables()?).await?;
    let elsewhere = servers.database("elsewhere", tables()?).await?;
    let issuer = Issuer::start();
    let publisher = Publisher::new(&published)?;
    report.doing(&format!("{LOGGED} events in the log, then a receiver"));
    publisher.publish_all(0..LOGGED).await?;
    let receiver = Receiver::start(&received, &issuer).await?;
    let way = Way { from: connect(&published).await?, to: connect(&received).await? };
    let began = Instant::now();
    let _relay = publisher.relay(&issuer, receiver.url())?;
    way.all_arrive(LOGGED).await?;
    let rate = f64::from(i32::try_from(LOGGED)?) / began.elapsed().as_secs_f64();
    report.figure("events: those of a long log, handled", rate, "events/s");
    latency(&publisher, &way, LOGGED, "", report).await?;
    let holders = [connect(&published).await?, connect(&elsewhere).await?];
    for holder in &holders {
        holder.batch_execute("BEGIN; SELECT pg_current_xact_id(); SELECT count(*) FROM events").await?;
    }
    latency(&publisher, &way, LOGGED + EVENTS, ", two held open", report).await
}

/// `when` says what else there is.
async fn latency(
    publisher: &Publisher,
    way: &Way,
    first: i64,
    when: &str,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.doing(&format!("{EVENTS} events in {} s{when}", SPAN.as_secs()));
    publisher.publish_at_rate(first..first + EVENTS, PAUSE).await?;
    way.all_arrive(first + EVENTS).await?;
    let spread = way.delays(first).await?;
    report.figure(format!("events: commit to commit, p50 at 200/s{when}"), spread.millis(50), "ms");
    let name = format!("events: commit to commit, p99 at 200/s{when}");
    report.compared(name, spread.millis(99), "ms", ("250 ms", SOON), Target::AtMost(1.0));
    Ok(())
}

/// From one database to the other.
struct Way {
    from: Client,
    to: Client,
}

impl Way {
    async fn all_arrive(&self, count: i64) -> anyhow::Result<()> {
        let began = Instant::now();
        let arrived = async || self.to.query_one("SELECT count(*) FROM effects", &[]).await;
        while arrived().await?.get::<_, i64>(0) < count {
            anyhow::ensure!(
                began.elapsed() < PATIENCE,
                "events are missing: {}",
                arrived().await?.get::<_, i64>(0)
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Of the events from number `first` on, by the commit times that PostgreSQL keeps:
    /// nobody has to look while they are on their way.
    async fn delays(&self, first: i64) -> anyhow::Result<Spread> {
        let times = |table: &str| {
            format!(
                "SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
                 FROM {table} WHERE version >= $1 ORDER BY version"
            )
        };
        let from = self.from.query(&times("events"), &[&first]).await?;
        let to = self.to.query(&times("effects"), &[&first]).await?;
        anyhow::ensure!(from.len() == to.len(), "{} events had {} effects", from.len(), to.len());
        let delay = |(from, to): (&tokio_postgres::Row, &tokio_postgres::Row)| {
            let (from, to): (Option<i64>, Option<i64>) = (from.get(0), to.get(0));
            let micros = to.zip(from).map(|(to, from)| to.saturating_sub(from));
            micros.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
        };
        let delays: Option<Vec<_>> = from.iter().zip(&to).map(delay).collect();
        Ok(Spread::of(delays.context("PostgreSQL keeps no commit times")?))
    }
}
