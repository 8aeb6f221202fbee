//! `plinth demo`: the main flow, as a front end would walk it, by HTTP through the gateway.

mod delivery;
mod event;
mod mail;
mod walk;

use std::path::PathBuf;

use anyhow::Context;
use service_discovery::{Peer, PeerOptions};

use crate::dev;
use crate::say;

/// Walks the main flow with real HTTP and prints each step.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The gateway; by default that of the running `plinth dev`.
    #[arg(long)]
    url: Option<url::Url>,
    /// The state directory of the `plinth dev` to use.
    #[arg(long, value_name = "DIR", env = "PLINTH_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

/// Walks it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let running = if options.url.is_some() { None } else { dev::endpoints::read(options.state_dir)? };
    let url = match (options.url, &running) {
        (Some(url), _) => url,
        (None, running) => running
            .as_ref()
            .context("Plinth does not run here: start it with `make run`, or name one with --url")?
            .url
            .parse()?,
    };
    say(&format!("Plinth at {url}\n"))?;
    let peer = Peer::new(std::slice::from_ref(&url), &PeerOptions::default())?;
    let mailbox = running.as_ref().and_then(|running| running.mailbox.as_ref());
    let deleted = walk::through(peer.clone(), mailbox.map(|mailbox| mailbox.url.as_str())).await?;
    if let Some(running) = running {
        walk::event(&running, deleted).await?;
        // Elsewhere nobody reaches a receiver on this machine.
        delivery::through(peer).await?;
    }
    say(&format!("\nAll steps went as they should. Every route: {url}docs"))
}
