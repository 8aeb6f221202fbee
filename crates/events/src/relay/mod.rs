//! Tells subscribers what the log holds: a feed for each, none of which waits for
//! another.

mod cursor;
mod feed;
mod gauges;
mod listen;
mod receiver;
mod store;

use std::time::Duration;

use contract_events::inbox_path;
use futures_util::future::{join, join_all};
use observability::Metrics;
use service_discovery::{CallError, Peer, Registry, Service};
use service_kit::db::Db;
use tokio::sync::watch;

use crate::Tokens;
use feed::Feed;
use gauges::Gauges;
pub use listen::hear_hints;
use receiver::Receiver;

/// How long the feeds may take to end once they are asked to. A subscriber or a database
/// that stands still keeps no process: what was told and not written down is told again.
const GRACE: Duration = Duration::from_secs(8);

/// Pushes the events of one service's log to its subscribers, in order and at least
/// once. Several replicas may run it: one at a time tells a subscriber.
#[derive(Debug)]
pub struct Relay {
    db: Db,
    feeds: Vec<Feed>,
}

/// Why a relay cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// A subscriber cannot be placed.
    #[error("a subscriber cannot be placed")]
    Peer(#[from] CallError),
    /// The metrics cannot be set up.
    #[error("the metrics cannot be set up: {0}")]
    Metrics(String),
}

impl Relay {
    /// From the log in `db` to `subscribers`, each at its internal listener and with
    /// one of `tokens`. One that was never told before is told the whole log.
    ///
    /// # Errors
    /// [`RelayError`] names what is missing.
    pub fn new(
        db: &Db,
        subscribers: &[Service],
        registry: &Registry,
        tokens: &Tokens,
        metrics: &Metrics,
    ) -> Result<Self, RelayError> {
        let gauges = Gauges::new(metrics).map_err(|why| RelayError::Metrics(why.to_string()))?;
        let feed = |service: &Service| {
            let peer = Peer::new(registry.internal(*service), &registry.peer_options())?;
            let path = inbox_path(service.name());
            let receiver = Receiver { service: *service, path, peer, tokens: tokens.clone() };
            Ok(Feed::new(db.clone(), receiver, gauges.clone()))
        };
        let feeds = subscribers.iter().map(feed).collect::<Result<_, CallError>>()?;
        Ok(Self { db: db.clone(), feeds })
    }

    /// Tells, until `stop` ends (hints are heard on a connection beside the pool's;
    /// without, it looks four times a second); then says how far it came and gives the subscribers up.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (hint, hints) = watch::channel(());
        let (ending, ended) = watch::channel(false);
        let feeds = self.feeds.into_iter().map(|feed| feed.run(hints.clone(), ended.clone()));
        let tell = join_all(feeds);
        let end = async {
            stop.await;
            // Without feeds nobody listens.
            let _ = ending.send(true);
        };
        let mut asked = ended.clone();
        let late = async {
            // An error: whoever would say so is gone.
            let _ = asked.wait_for(|ending| *ending).await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            _ = join(tell, end) => {}
            () = late => tracing::warn!("how far subscribers were told could not be written in time"),
            never = hear_hints(&self.db, &hint) => match never {},
        }
    }

    /// One step of every feed: what [`Relay::run`] does over and over. Gives whether
    /// any of them told something.
    pub async fn step(&mut self) -> bool {
        let steps = join_all(self.feeds.iter_mut().map(Feed::turn)).await;
        steps.contains(&feed::Pause::None)
    }
}
