//! Webhooks while everything that sends them is killed again and again; and whether order, a rate and a
//! recovery hold at a size.

mod keeps;
mod kills;
mod sink;
mod world;

use figures::report::Report;

use crate::Options;
use world::World;

pub(crate) async fn play(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    report.doing("webhook: starting PostgreSQL, the API and two workers");
    let mut world = World::start().await?;
    kills::play(options, &mut world, report).await?;
    keeps::order(&world, report).await?;
    keeps::rate(&world, report).await?;
    keeps::recovery(&world, report).await
}
