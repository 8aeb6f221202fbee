use contract_webhook::{EndpointId, MessageId};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use jobs::{Done, EnqueueError, Failure, Job, NewJob, Policy, Priority, Run};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{attempt::Sender, deliver::Deliver, store};
use crate::{endpoint::filter::lets_pass, message::data_of};

/// How many messages are looked at between two checkpoints: where there is a filter, with their bodies.
const BATCH: i64 = 100;

/// Sends an endpoint what never went there, though it would go there now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Replay {
    org: OrgId,
    endpoint: EndpointId,
    since: Timestamp,
    /// What is accepted later goes there anyway.
    until: Timestamp,
}

/// Has it done, once this transaction commits: its job, which the organisation can watch and cancel.
/// While one is under way there is no other.
pub(crate) async fn replay(
    conn: &mut AsyncPgConnection,
    (org, user): (OrgId, UserId),
    endpoint: EndpointId,
    (since, until): (Timestamp, Timestamp),
) -> Result<ids::JobId, EnqueueError> {
    let job = NewJob::of(&Replay { org, endpoint, since, until })?;
    Ok(job.org(org).by(user).enqueue(conn).await?.id)
}

impl Job for Replay {
    type State = Sender;

    const KIND: &'static str = "webhook.replay";
    const POLICY: Policy = Policy { priority: Priority::High, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(self.endpoint.to_string())
    }

    /// By the ids of the messages, which never change, and from the last checkpoint on.
    async fn run(self, mut run: Run, sender: Sender) -> Result<Done, Failure> {
        let mut last: Option<MessageId> = run.last_checkpoint()?.flatten();
        loop {
            let mut conn = sender.db.connection().await?;
            let whose = (self.org, self.endpoint);
            let page = store::never_sent(&mut conn, whose, (self.since, self.until), last, BATCH).await?;
            drop(conn);
            let Some(end) = page.last() else { return Ok(run.done()) };
            last = Some(end.message);
            let fitting: Vec<&store::NeverSent> = page.iter().filter(|one| self.fits(one)).collect();
            run.checkpoint(&last, async |conn| {
                let ids: Vec<MessageId> = fitting.iter().map(|one| one.message).collect();
                let begun = store::insert_for(conn, whose, &ids).await?;
                let deliver = |one: &&store::NeverSent| {
                    Deliver::again(self.org, self.endpoint, one.message, one.ordered)
                };
                let begun = fitting.iter().filter(|one| !one.polled && begun.contains(&one.message));
                Ok(jobs::enqueue_all(conn, None, &begun.map(deliver).collect::<Vec<_>>()).await?)
            })
            .await?;
        }
    }
}

impl Replay {
    fn fits(&self, one: &store::NeverSent) -> bool {
        let Some(filter) = &one.filter else { return true };
        let data: Option<Value> = data_of(&one.body).and_then(|data| serde_json::from_str(data).ok());
        data.is_some_and(|data| lets_pass(self.endpoint, one.revision, filter, &data))
    }
}
