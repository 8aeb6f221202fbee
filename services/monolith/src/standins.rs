//! `plinth standins`: what stands in for the world outside, in development.

use standins::{App, Settings};

/// Runs the servers that stand in for what is outside of Plinth: the mailbox, which shows the
/// mails that would be sent. `plinth dev` starts them; production refuses to.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

/// Serves until it is asked to end. actix brings its own runtime.
pub(crate) fn run(_options: &Options) -> anyhow::Result<()> {
    let settings = Settings::load()?;
    let logs = settings.logs.clone();
    service_kit::command::serve(&logs, async |stop| Ok(App::build(settings)?.run(stop).await?))
}
