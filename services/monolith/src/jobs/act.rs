//! What changes a job. It is audited as the operator's doing, in the same transaction.

use anyhow::Context;
use audit::{Action, By, Entry};
use contract_jobs::{JobDetails, audited};
use jobs::{Cancelled, Replayed};

use super::{Queue, report};
use crate::say;

/// Puts a job back into the queue.
pub(super) async fn retry(queue: &Queue, job: &JobDetails, json: bool) -> anyhow::Result<()> {
    let id = job.job.id;
    let replayed = queue.db.transaction(async |conn| {
        let replayed = jobs::replay_in(conn, id).await?;
        if replayed == Replayed::Yes {
            audit::record(conn, &By::operator(), entry(audited::JOB_RETRIED, job)).await?;
        }
        anyhow::Ok(replayed)
    });
    match replayed.await.with_context(|| queue.silent())? {
        Replayed::Yes if json => tell(queue, job).await,
        Replayed::Yes => say(&format!(
            "{id} of {} is in the queue; `plinth jobs show {id}` says how it goes",
            queue.service
        )),
        Replayed::No => anyhow::bail!(
            "{id} is {}: only what is discarded, cancelled or waits for its next attempt can be retried",
            job.job.state
        ),
        Replayed::Taken => anyhow::bail!(
            "another {} does the same work already: wait for it, or cancel it first (`plinth jobs list --kind {}`)",
            job.job.kind,
            job.job.kind
        ),
    }
}

/// Asks a job to end.
pub(super) async fn cancel(queue: &Queue, job: &JobDetails, json: bool) -> anyhow::Result<()> {
    let id = job.job.id;
    let cancelled = queue.db.transaction(async |conn| {
        let cancelled = jobs::cancel_in(conn, None, id).await?;
        if cancelled != Cancelled::No {
            audit::record(conn, &By::operator(), entry(audited::JOB_CANCELLED, job)).await?;
        }
        anyhow::Ok(cancelled)
    });
    match cancelled.await.with_context(|| queue.silent())? {
        Cancelled::No => anyhow::bail!("{id} is over already: it is {}", job.job.state),
        _ if json => tell(queue, job).await,
        Cancelled::Over => {
            say(&format!("{id} of {} is cancelled; `plinth jobs retry {id}` brings it back", queue.service))
        }
        Cancelled::Asked => say(&format!(
            "{id} of {} runs, and was asked to end; `plinth jobs show {id}` says when it has",
            queue.service
        )),
    }
}

/// The job as it is now.
async fn tell(queue: &Queue, job: &JobDetails) -> anyhow::Result<()> {
    let job = queue.find(job.job.id).await?.context("the job is gone")?;
    report::show(&queue.of(job), true)
}

fn entry(action: Action, job: &JobDetails) -> Entry {
    let entry = Entry::of(action).on(job.job.id).with("kind", job.job.kind.as_str());
    match job.org_id {
        Some(org) => entry.in_org(org),
        None => entry,
    }
}
