use contract_webhook::{Delivery, DeliveryState, EndpointId, MessageId};
use diesel_async::AsyncPgConnection;
use ids::OrgId;
use jobs::{Done, Failure, Job, Lane, Policy, Run};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    attempt::{Attempt, Sender},
    lane,
    noted::Noted,
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
    /// Whether the endpoint failed last, when this was enqueued: then fewer are under way to it at once.
    #[serde(skip)]
    is_failing: bool,
}

/// Begins to deliver a message that was accepted, to each of these endpoints whose filter it fits: in the
/// caller's transaction, so that it is sent if and only if it was accepted.
pub(crate) async fn begin(
    conn: &mut AsyncPgConnection,
    (org, message): (OrgId, MessageId),
    candidates: Vec<Candidate>,
    payload: &RawValue,
) -> Result<Vec<Delivery>, MessageError> {
    let (filtering, mut matching): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|one| one.filter.is_some());
    if !filtering.is_empty() {
        let fitting = fitting(filtering, payload);
        let ids: Vec<EndpointId> = fitting.iter().map(|one| one.id).collect();
        store::insert(conn, org, message, &ids).await?;
        matching.extend(fitting);
        matching.sort_by_key(|one| one.id.uuid());
    }
    let deliver = |one: &Candidate| Deliver {
        org,
        message,
        endpoint: one.id,
        ordered: one.ordered,
        is_failing: one.is_failing,
    };
    let all: Vec<Deliver> = matching.iter().filter(|one| !one.is_polled).map(deliver).collect();
    // The platform's own: one that its organisation could cancel would stay under way for ever.
    jobs::enqueue_all(conn, None, &all).await?;
    Ok(matching.iter().map(|one| begun(one.id)).collect())
}

const fn begun(endpoint_id: EndpointId) -> Delivery {
    Delivery { endpoint_id, state: DeliveryState::Pending, attempts: 0, next_attempt_at: None }
}

/// An endpoint that gets a message if that fits its filter, should there be one; without one, its
/// delivery is there.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) id: EndpointId,
    pub(crate) ordered: bool,
    pub(crate) revision: i64,
    pub(crate) filter: Option<Value>,
    /// The last attempt failed.
    pub(crate) is_failing: bool,
    /// It is not posted there: the endpoint asks for it.
    pub(crate) is_polled: bool,
}

/// Those whose filter a payload fits.
fn fitting(candidates: Vec<Candidate>, payload: &RawValue) -> Vec<Candidate> {
    // One that nests too deep to be read fits nothing.
    let Ok(payload) = serde_json::from_str(payload.get()) else { return Vec::new() };
    let fits = |one: &Candidate| {
        one.filter.as_ref().is_none_or(|filter| lets_pass(one.id, one.revision, filter, &payload))
    };
    candidates.into_iter().filter(fits).collect()
}

impl Deliver {
    /// What begins anew.
    pub(super) const fn again(org: OrgId, endpoint: EndpointId, message: MessageId, ordered: bool) -> Self {
        Self { org, message, endpoint, ordered, is_failing: false }
    }
}

impl Job for Deliver {
    type State = Sender;

    const KIND: &'static str = "webhook.deliver";
    // How often it is sent, `waits` say: these are for what fails on our side.
    // What became of it, its delivery and the attempts tell.
    const POLICY: Policy = Policy { max_attempts: 1000, is_kept: false, ..Policy::DEFAULT };

    fn lane(&self) -> Option<Lane> {
        Some(lane::of(self.endpoint, self.ordered, self.is_failing))
    }

    async fn run(self, run: Run, sender: Sender) -> Result<Done, Failure> {
        let way = Way { org: self.org, message: self.message, endpoint: self.endpoint };
        let Attempt::Sent(outcome, before) = sender.attempt(way, false).await? else {
            return run.finish(async |conn| Ok(store::skip(conn, way).await?)).await;
        };
        let attempts = usize::try_from(before).unwrap_or_default() + 1;
        let next = next(&outcome, attempts, &sender.waits, fastrand::f64());
        match next {
            Next::Delivered => Ok(run.done_with(Noted::new(way, outcome, next, After::Ended("delivered")))),
            Next::Failed | Next::Gone => {
                Ok(run.done_with(Noted::new(way, outcome, next, After::Ended("failed"))))
            }
            Next::Again(wait) => {
                let why = told(&outcome);
                let noted = Noted::new(way, outcome, next, After::Again(wait));
                Err(Failure::retry_after(wait, why).with(noted))
            }
        }
    }
}

/// For the queue: why it is sent again.
fn told(outcome: &Outcome) -> String {
    match (outcome.status, outcome.error) {
        (Some(status), _) => format!("the endpoint answered {status}"),
        (None, error) => format!("the endpoint did not answer: {}", error.unwrap_or("unknown")),
    }
}
