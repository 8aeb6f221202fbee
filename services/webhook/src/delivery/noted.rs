use std::collections::HashSet;

use contract_webhook::{AttemptId, DisabledReason, audited, events::EndpointDisabled};
use diesel_async::AsyncPgConnection;
use ids::Timestamp;
use jobs::{Effect, Failure};
use service_discovery::Service;

use super::{
    rules::Next,
    store::{self, After, PutOff, Way},
};
use crate::{message, sending::Outcome};

/// What came of an attempt and what follows it: written with the end of its job, beside those of others.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) way: Way,
    pub(super) id: AttemptId,
    pub(super) outcome: Outcome,
    /// The endpoint says that it is gone for good.
    is_gone: bool,
    pub(super) after: After,
    pub(super) at: Timestamp,
}

impl Noted {
    pub(super) fn new(way: Way, outcome: Outcome, next: Next, after: After) -> Self {
        let (id, at) = (AttemptId::generate(), Timestamp::now());
        Self { way, id, outcome, is_gone: next == Next::Gone, after, at }
    }
}

impl Effect for Noted {
    /// An endpoint that is put off by it is told of and audited.
    async fn commit(conn: &mut AsyncPgConnection, effects: &[&Self]) -> Result<(), Failure> {
        let mut left = effects.to_vec();
        while !left.is_empty() {
            // Two attempts at one delivery, one of them by hand, come one after the other.
            let mut seen = HashSet::new();
            let (noted, again): (Vec<&Self>, Vec<&Self>) =
                left.into_iter().partition(|one| seen.insert((one.way.message, one.way.endpoint)));
            for put_off in store::note(conn, &noted, Timestamp::now()).await? {
                tell(conn, put_off, DisabledReason::Failing).await?;
            }
            left = again;
        }
        for gone in effects.iter().filter(|one| one.is_gone) {
            if let Some(put_off) = store::put_off(conn, gone.way, Timestamp::now()).await? {
                tell(conn, put_off, DisabledReason::Gone).await?;
            }
        }
        Ok(())
    }
}

async fn tell(conn: &mut AsyncPgConnection, put_off: PutOff, reason: DisabledReason) -> Result<(), Failure> {
    let PutOff { org_id, endpoint_id, events: version } = put_off;
    message::publish(conn, &EndpointDisabled { org_id, endpoint_id, reason, version }).await?;
    let entry = audit::Entry::of(audited::ENDPOINT_DISABLED).on(endpoint_id).in_org(org_id);
    let entry = entry.with("reason", serde_json::to_value(reason)?);
    Ok(audit::record(conn, &audit::By::service(Service::Webhook), entry).await?)
}
