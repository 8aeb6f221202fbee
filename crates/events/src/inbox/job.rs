use contract_events::Envelope;
use jobs::{Done, Failure, Job, Lane, Run};
use serde::{Deserialize, Serialize};
use service_discovery::Service;

use super::{Subscriptions, store};

/// Handles one event of another service.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HandleEvent {
    /// The service's name.
    pub(super) publisher: String,
    pub(super) event: Envelope,
}

impl Job for HandleEvent {
    type State = Subscriptions;

    const KIND: &'static str = "events.handle_event";

    /// Events of one aggregate are handled one after the other; one that fails holds up
    /// those behind it until it succeeds or is given up.
    fn lane(&self) -> Option<Lane> {
        Some(Lane::ordered(format!("{}/{}", self.publisher, self.event.aggregate)))
    }

    async fn run(self, run: Run, subscriptions: Subscriptions) -> Result<Done, Failure> {
        let publisher: Service = self.publisher.parse().map_err(Failure::discard)?;
        run.finish(async |conn| {
            let Some(handled) = store::overtaken_by(conn, publisher, &self.event).await? else {
                return subscriptions.handle(conn, publisher, &self.event).await;
            };
            // A dead letter that was replayed after those behind it went on: as it should be. Or the
            // publisher came from a backup and uses versions again: then an operator must know.
            let Envelope { id, aggregate, version, .. } = &self.event;
            tracing::warn!(%publisher, event = %id, aggregate, version, handled, "an event is left out");
            Ok(())
        })
        .await
    }
}
