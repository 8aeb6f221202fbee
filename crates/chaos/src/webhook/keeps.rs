//! What endpoints are promised: an order, a rate, and all that they missed.

use std::{collections::HashSet, time::Duration};

use contract_webhook::Recover;
use figures::report::{Report, Target};
use futures_util::{StreamExt, stream};
use ids::Timestamp;

use super::world::World;
use crate::count;

const PATIENCE: Duration = Duration::from_secs(300);

const ORDERED: usize = 200;
/// The share of them that fails.
const FAILING: f64 = 0.3;

/// Deliveries a second, and how many are sent.
const RATE: usize = 50;
const LIMITED: usize = 1_000;

const RECOVERED: usize = 1_000;
const CLIENTS: usize = 8;

/// An endpoint where order matters, and three of ten deliveries fail.
pub(super) async fn order(world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.doing(&format!("webhook: {ORDERED} messages in order, of which 30% fail"));
    world.endpoint(("order", "order"), true, 10_000).await?;
    world.sink.fail("order", FAILING);
    let mut sent = Vec::new();
    for number in 0..ORDERED {
        sent.push(world.send("order", number).await);
    }
    world.sink.until("order", ORDERED, PATIENCE).await?;
    let taken: Vec<String> = world.sink.taken("order").into_iter().map(|one| one.id).collect();
    let inverted = taken.iter().zip(&sent).filter(|(taken, sent)| taken != sent).count();
    report.held("webhook: messages out of order", count(inverted), "", Target::AtMost(0.0));
    Ok(())
}

/// An endpoint that wants 50 a second, and is sent more.
pub(super) async fn rate(world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.doing(&format!("webhook: {LIMITED} messages to one that wants {RATE} a second"));
    world.endpoint(("rate", "rate"), false, i32::try_from(RATE)?).await?;
    stream::iter(0..LIMITED).map(|number| world.send("rate", number)).buffer_unordered(CLIENTS).count().await;
    world.sink.until("rate", LIMITED, PATIENCE).await?;
    let mut at: Vec<_> = world.sink.taken("rate").into_iter().map(|one| one.at).collect();
    at.sort_unstable();
    let took = at.last().zip(at.first()).map(|(last, first)| *last - *first).unwrap_or_default();
    let rate = count(LIMITED - 1) / took.as_secs_f64();
    report.held("webhook: deliveries a second, of 50 that are allowed", rate, "/s", Target::AtMost(52.5));
    report.held("webhook: the same, as many as are allowed", rate, "/s", Target::AtLeast(47.5));
    Ok(())
}

/// An endpoint that failed for a while, and then wants all of it.
pub(super) async fn recovery(world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.doing(&format!("webhook: {RECOVERED} messages that failed are recovered"));
    let since = Timestamp::now();
    let endpoint = world.endpoint(("recover", "recover"), false, 10_000).await?;
    world.sink.fail("recover", 1.0);
    let sent = stream::iter(0..RECOVERED).map(|number| world.send("recover", number));
    let sent: HashSet<String> = sent.buffer_unordered(CLIENTS).collect().await;
    let failed = format!(
        "SELECT count(*) FROM deliveries WHERE state = 'failed' AND endpoint_id = '{}'",
        endpoint.uuid()
    );
    let began = std::time::Instant::now();
    while usize::try_from(world.number(&failed).await?)? < RECOVERED {
        anyhow::ensure!(began.elapsed() < PATIENCE, "they are still tried");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.sink.fail("recover", 0.0);
    world.client.recover(&world.token, endpoint, &Recover { since }).await?;
    world.sink.until("recover", RECOVERED, PATIENCE).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let taken: Vec<String> = world.sink.taken("recover").into_iter().map(|one| one.id).collect();
    let distinct: HashSet<String> = taken.iter().cloned().collect();
    let missing = sent.difference(&distinct).count();
    report.held("webhook: of 1,000 that were recovered, missing", count(missing), "", Target::AtMost(0.0));
    let twice = taken.len() - distinct.len();
    report.held("webhook: of 1,000 that were recovered, sent twice", count(twice), "", Target::AtMost(0.0));
    Ok(())
}
