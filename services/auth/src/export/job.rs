use ids::{ExportId, Timestamp, UserId};
use jobs::{Done, Failure, Job, Lane, Progress, Run};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_discovery::Service;

use super::{
    Sources, act, rules, sealed,
    sources::SourceError,
    store::{self, Wanted},
};

/// How many exports are gathered at once, by all workers: each may hold what one service told
/// in memory.
const AT_ONCE: u16 = 2;

/// Asks every service what it holds about a person, and keeps what they tell. An attempt goes
/// on with the service at which the last one ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gather {
    pub(super) export: ExportId,
    pub(super) user: UserId,
}

impl Job for Gather {
    type State = Sources;

    const KIND: &'static str = "auth.gather_export";

    fn lane(&self) -> Option<Lane> {
        Some(Lane::limited(Self::KIND, AT_ONCE))
    }

    /// One of each person at a time.
    fn unique(&self) -> Option<String> {
        Some(self.user.to_string())
    }

    async fn run(self, mut run: Run, sources: Sources) -> Result<Done, Failure> {
        let Self { export, user } = self;
        match store::hold(&mut *sources.db.connection().await?, export).await? {
            // Ready, deleted, or gone with its user.
            None => return Ok(run.done()),
            Some(Wanted { banned: true, .. }) => {}
            Some(Wanted { .. }) => self.gather(&mut run, &sources).await?,
        }
        run.finish(async |connection| Ok(act::complete(connection, user, export, Timestamp::now()).await?))
            .await
    }
}

impl Gather {
    /// Whatever is not there yet.
    async fn gather(&self, run: &mut Run, sources: &Sources) -> Result<(), Failure> {
        let mut parts = store::parts(&mut *sources.db.connection().await?, self.export).await?;
        let services = sources.services();
        let total = u64::try_from(services.len()).ok();
        for (done, service) in (0..).zip(services) {
            run.progress(&Progress { done, total, note: Some(format!("asking {service}")) }).await?;
            if parts.iter().any(|part| part.service == service.name()) {
                continue;
            }
            let taken: i64 = parts.iter().map(|part| i64::from(part.bytes)).sum();
            let room = rules::LARGEST.saturating_sub(usize::try_from(taken)?);
            let told = sources.ask(service, self.user, room).await.map_err(failure)?;
            let told = sealed::seal(&sources.keyring, self.export, service.name(), &told)?;
            self.keep(run, service, &told).await?;
            parts.extend(told.into_iter().map(|one| one.part));
        }
        Ok(())
    }

    /// Keeps what a service told together with the place that the job has reached.
    async fn keep(&self, run: &mut Run, service: Service, told: &[sealed::Sealed]) -> Result<(), Failure> {
        run.checkpoint(&json!({ "asked": service.name() }), async |connection| {
            store::hold(connection, self.export).await?.ok_or(SourceError::Unwanted)?;
            Ok(store::keep(connection, self.export, service.name(), told).await?)
        })
        .await
    }
}

/// What is too large is so the next time, too; everything else may be mended.
fn failure(why: SourceError) -> Failure {
    match why {
        SourceError::TooLarge(_) => Failure::discard(why),
        _ => why.into(),
    }
}
