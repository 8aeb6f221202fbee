use contract_webhook::{EndpointId, MessageId};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp};
use jobs::{Done, Failure, Job, Lane, Policy, Run};
use serde::{Deserialize, Serialize};

use super::{
    attempt::{Attempt, Sender},
    lane,
    rules::{Next, next},
    store::{self, After, Way},
};
use crate::{message::MessageError, sending::Outcome};

/// Sends a message to an endpoint, until it is there or was sent often enough.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    org: OrgId,
    message: MessageId,
    endpoint: EndpointId,
    /// Whether it waits for those before it.
    ordered: bool,
}

/// Begins to deliver a message, to each endpoint that gets its type: in the caller's transaction, so
/// that it is sent if and only if it was accepted.
pub(crate) async fn begin(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    event_type: &str,
) -> Result<(), MessageError> {
    let matching = store::insert_all(conn, org, message, event_type).await?;
    let deliver = |one: store::Matching| Deliver { org, message, endpoint: one.id, ordered: one.ordered };
    let all: Vec<Deliver> = matching.into_iter().map(deliver).collect();
    // The platform's own: one that its organisation could cancel would stay under way for ever.
    Ok(jobs::enqueue_all(conn, None, &all).await?)
}

impl Deliver {
    /// What begins anew.
    pub(super) fn again(org: OrgId, endpoint: EndpointId, missed: &store::Missed) -> Self {
        Self { org, message: missed.message, endpoint, ordered: missed.ordered }
    }
}

impl Job for Deliver {
    type State = Sender;

    const KIND: &'static str = "webhook.deliver";
    // How often it is sent, `waits` say: these are for what fails on our side.
    const POLICY: Policy = Policy { max_attempts: 1000, ..Policy::DEFAULT };

    fn lane(&self) -> Option<Lane> {
        Some(lane::of(self.endpoint, self.ordered))
    }

    async fn run(self, run: Run, sender: Sender) -> Result<Done, Failure> {
        let way = Way { org: self.org, message: self.message, endpoint: self.endpoint };
        match sender.attempt(way, false).await? {
            Attempt::Sent(outcome, before) => {
                let attempts = usize::try_from(before).unwrap_or_default() + 1;
                let next = next(&outcome, attempts, &sender.waits, fastrand::f64());
                ended(run, way, &outcome, next).await
            }
            Attempt::Off => run.finish(async |conn| Ok(store::skip(conn, way).await?)).await,
            Attempt::Nothing => Ok(run.done()),
        }
    }
}

/// Commits what came of an attempt together with what follows it.
async fn ended(mut run: Run, way: Way, outcome: &Outcome, next: Next) -> Result<Done, Failure> {
    let now = Timestamp::now();
    let after = match next {
        Next::Delivered => After::Ended("delivered"),
        Next::Failed | Next::Gone => After::Ended("failed"),
        Next::Again(wait) => {
            let noted = async |conn: &mut AsyncPgConnection| {
                Ok(store::note(conn, way, outcome, After::Again(wait), now).await?)
            };
            run.checkpoint(&(), noted).await?;
            return Err(Failure::retry_after(wait, told(outcome)));
        }
    };
    run.finish(async |conn| {
        store::note(conn, way, outcome, after, now).await?;
        if next == Next::Gone {
            store::put_off(conn, way, now).await?;
        }
        Ok(())
    })
    .await
}

/// For the queue: why it is sent again.
fn told(outcome: &Outcome) -> String {
    match (outcome.status, outcome.error) {
        (Some(status), _) => format!("the endpoint answered {status}"),
        (None, error) => format!("the endpoint did not answer: {}", error.unwrap_or("unknown")),
    }
}
