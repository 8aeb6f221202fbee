use contract_webhook::{EndpointId, MessageId};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use jobs::{Done, EnqueueError, Failure, Job, NewJob, Policy, Priority, Run};
use serde::{Deserialize, Serialize};

use super::{attempt::Sender, deliver::Deliver, store};

/// How many deliveries begin anew between two checkpoints.
const BATCH: i64 = 500;

/// Sends again what an endpoint did not get since then: what failed, and what was skipped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recover {
    org: OrgId,
    endpoint: EndpointId,
    since: Timestamp,
    /// What is accepted later is none of its affair.
    until: Timestamp,
}

/// Has it done, once this transaction commits: its job, which the organisation can watch and cancel.
/// While one is under way there is no other.
pub(crate) async fn recover(
    conn: &mut AsyncPgConnection,
    (org, user): (OrgId, UserId),
    endpoint: EndpointId,
    (since, until): (Timestamp, Timestamp),
) -> Result<ids::JobId, EnqueueError> {
    let job = NewJob::of(&Recover { org, endpoint, since, until })?;
    Ok(job.org(org).by(user).enqueue(conn).await?.id)
}

impl Job for Recover {
    type State = Sender;

    const KIND: &'static str = "webhook.recover";
    const POLICY: Policy = Policy { priority: Priority::High, ..Policy::DEFAULT };

    fn unique(&self) -> Option<String> {
        Some(self.endpoint.to_string())
    }

    /// By one order that never changes, the ids of the messages, and from the last checkpoint on: so
    /// none is left out, and none begins twice.
    async fn run(self, mut run: Run, sender: Sender) -> Result<Done, Failure> {
        let mut last: Option<MessageId> = run.last_checkpoint()?.flatten();
        loop {
            let mut conn = sender.db.connection().await?;
            let page =
                store::missed(&mut conn, (self.org, self.endpoint), (self.since, self.until), last, BATCH);
            let page = page.await?;
            drop(conn);
            let Some(end) = page.last() else { return Ok(run.done()) };
            last = Some(end.message);
            run.checkpoint(&last, async |conn| {
                let begun = store::begin_again(conn, (self.org, self.endpoint), &page).await?;
                let deliver =
                    |one: &store::Missed| Deliver::again(self.org, self.endpoint, one.message, one.ordered);
                let all: Vec<Deliver> =
                    page.iter().filter(|one| begun.contains(&one.message)).map(deliver).collect();
                Ok(jobs::enqueue_all(conn, None, &all).await?)
            })
            .await?;
        }
    }
}
