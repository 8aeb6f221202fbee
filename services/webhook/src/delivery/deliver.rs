use contract_webhook::{EndpointId, MessageId};
use diesel_async::AsyncPgConnection;
use ids::OrgId;
use jobs::{Done, Failure, Job, Lane, Policy, Run};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    attempt::{Attempt, Sender},
    lane,
    noted::note,
    rules::{Next, next},
    store::{self, After, Way},
};
use crate::{endpoint::filter::lets_pass, message::MessageError, sending::Outcome};

/// Sends a message to an endpoint, until it is there or was sent often enough.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    org: OrgId,
    message: MessageId,
    endpoint: EndpointId,
    /// Whether it waits for those before it.
    ordered: bool,
}

/// Begins to deliver a message, to each endpoint that gets its type and whose filter it fits: in the
/// caller's transaction, so that it is sent if and only if it was accepted.
pub(crate) async fn begin(
    conn: &mut AsyncPgConnection,
    org: OrgId,
    message: MessageId,
    (event_type, payload): (&str, &RawValue),
) -> Result<(), MessageError> {
    let candidates = store::insert_all(conn, org, message, event_type).await?;
    let (filtering, open): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|one| one.filter.is_some());
    let mut matching: Vec<store::Matching> = open.into_iter().map(|one| one.matching).collect();
    if !filtering.is_empty() {
        let fitting = fitting(filtering, payload);
        let ids: Vec<EndpointId> = fitting.iter().map(|one| one.id).collect();
        store::insert(conn, org, message, &ids).await?;
        matching.extend(fitting);
    }
    let deliver = |one: store::Matching| Deliver { org, message, endpoint: one.id, ordered: one.ordered };
    let all: Vec<Deliver> = matching.into_iter().map(deliver).collect();
    // The platform's own: one that its organisation could cancel would stay under way for ever.
    Ok(jobs::enqueue_all(conn, None, &all).await?)
}

/// Those whose filter a payload fits.
fn fitting(candidates: Vec<store::Candidate>, payload: &RawValue) -> Vec<store::Matching> {
    // One that nests too deep to be read fits nothing.
    let Ok(payload) = serde_json::from_str(payload.get()) else { return Vec::new() };
    let fits = |one: &store::Candidate| {
        one.filter.as_ref().is_none_or(|filter| lets_pass(one.matching.id, one.revision, filter, &payload))
    };
    candidates.into_iter().filter(fits).map(|one| one.matching).collect()
}

impl Deliver {
    /// What begins anew.
    pub(super) const fn again(org: OrgId, endpoint: EndpointId, message: MessageId, ordered: bool) -> Self {
        Self { org, message, endpoint, ordered }
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
            Attempt::Off | Attempt::Nothing => {
                run.finish(async |conn| Ok(store::skip(conn, way).await?)).await
            }
        }
    }
}

/// Commits what came of an attempt together with what follows it.
async fn ended(mut run: Run, way: Way, outcome: &Outcome, next: Next) -> Result<Done, Failure> {
    let after = match next {
        Next::Delivered => After::Ended("delivered"),
        Next::Failed | Next::Gone => After::Ended("failed"),
        Next::Again(wait) => {
            run.checkpoint(&(), async |conn| note(conn, way, outcome, next, After::Again(wait)).await)
                .await?;
            return Err(Failure::retry_after(wait, told(outcome)));
        }
    };
    run.finish(async |conn| note(conn, way, outcome, next, after).await).await
}

/// For the queue: why it is sent again.
fn told(outcome: &Outcome) -> String {
    match (outcome.status, outcome.error) {
        (Some(status), _) => format!("the endpoint answered {status}"),
        (None, error) => format!("the endpoint did not answer: {}", error.unwrap_or("unknown")),
    }
}
