use contract_webhook::{EndpointId, MessageId};
use diesel_async::AsyncPgConnection;
use ids::OrgId;
use jobs::{Done, Failure, Job, Lane, Policy, Run};
use serde::{Deserialize, Serialize};

use super::{
    attempt::{Attempt, Sender},
    lane,
    noted::Noted,
    rules::{Next, next},
    store::{self, After, Way},
};
use crate::message::MessageError;

/// Sends a message to an endpoint once, because somebody asked for it. If that fails, what is to be
/// sent again anyway still is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repeat {
    org: OrgId,
    message: MessageId,
    endpoint: EndpointId,
    ordered: bool,
}

/// Sends a message once more, to the endpoint that is named or to all that it went to.
pub(crate) async fn repeat(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    endpoint: Option<EndpointId>,
) -> Result<(), MessageError> {
    let matching = store::again(conn, org, message, endpoint).await?;
    if matching.is_empty() && endpoint.is_some() {
        return Err(MessageError::NoEndpoint);
    }
    let (polled, posted): (Vec<_>, Vec<_>) = matching.into_iter().partition(|one| one.polled);
    if !polled.is_empty() {
        let ids: Vec<EndpointId> = polled.iter().map(|one| one.id).collect();
        store::offer(conn, (org, message), &ids).await?;
    }
    let repeat = |one: store::Matching| Repeat { org, message, endpoint: one.id, ordered: one.ordered };
    let all: Vec<Repeat> = posted.into_iter().map(repeat).collect();
    Ok(jobs::enqueue_all(conn, None, &all).await?)
}

impl Job for Repeat {
    type State = Sender;

    const KIND: &'static str = "webhook.resend";
    const POLICY: Policy = Policy { is_kept: false, ..Policy::DEFAULT };

    fn lane(&self) -> Option<Lane> {
        Some(lane::of(self.endpoint, self.ordered, false))
    }

    async fn run(self, run: Run, sender: Sender) -> Result<Done, Failure> {
        let way = Way { org: self.org, message: self.message, endpoint: self.endpoint };
        let Attempt::Sent(outcome, _) = sender.attempt(way, true).await? else { return Ok(run.done()) };
        let next = next(&outcome, 1, &[], 0.0);
        let after = if next == Next::Delivered { After::Ended("delivered") } else { After::Unchanged };
        Ok(run.done_with(Noted::new(way, outcome, next, after)))
    }
}
