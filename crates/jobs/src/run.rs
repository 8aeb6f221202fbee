use std::time::{Duration, Instant};

use contract_jobs::Progress;
use diesel_async::AsyncPgConnection;
use ids::{JobId, OrgId, UserId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use service_kit::db::{self, Db};
use uuid::Uuid;

use crate::{
    Done, Effect, Failure,
    effect::Boxed,
    store::{self, Claimed, Ending, Finished},
};

/// The least time between two writes of the progress; what comes sooner is left out.
const PROGRESS_PAUSE: Duration = Duration::from_millis(200);

/// One attempt at a job: what its handler knows about it, and how it writes.
///
/// The attempt holds a lease. Whatever is written through it commits only while that
/// lease holds, so a worker that stood still for too long, and whose job another one has
/// by now, changes nothing any more.
#[derive(Debug)]
pub struct Run {
    db: Db,
    id: JobId,
    lease: Uuid,
    lane: Option<String>,
    org: Option<OrgId>,
    user: Option<UserId>,
    attempt: u32,
    max_attempts: u32,
    is_kept: bool,
    checkpoint: Option<Value>,
    told_at: Option<Instant>,
}

impl Run {
    pub(crate) fn new(db: Db, claimed: &mut Claimed, is_kept: bool) -> Self {
        Self {
            db,
            id: claimed.id,
            lease: claimed.lease,
            lane: claimed.lane.clone(),
            org: claimed.org_id,
            user: claimed.user_id,
            attempt: u32::try_from(claimed.attempt).unwrap_or_default(),
            max_attempts: u32::try_from(claimed.max_attempts).unwrap_or_default(),
            is_kept,
            checkpoint: claimed.checkpoint.take(),
            told_at: None,
        }
    }

    /// The job's id: the same in every attempt, so a good key for what must happen once
    /// at somebody else's.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }

    /// Whose job it is.
    #[must_use]
    pub const fn org(&self) -> Option<OrgId> {
        self.org
    }

    /// Who asked for it.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        self.user
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether there is none after it.
    #[must_use]
    pub const fn is_last_attempt(&self) -> bool {
        self.attempt >= self.max_attempts
    }

    /// What the last [`Run::checkpoint`] wrote, in this attempt or one before.
    ///
    /// # Errors
    /// When it is nothing that `T` can read.
    pub fn last_checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        self.checkpoint.clone().map(serde_json::from_value).transpose()
    }

    /// Commits `effects` together with how far the job is: the next attempt goes on from
    /// `value`, and the effects happen once.
    ///
    /// # Errors
    /// What `effects` says, or that the lease is lost; nothing is committed then.
    pub async fn checkpoint<T: Serialize>(
        &mut self,
        value: &T,
        effects: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let value = serde_json::to_value(value)?;
        self.db
            .transaction(async |connection| {
                effects(connection).await?;
                let held = store::checkpoint(connection, self.id, self.lease, &value).await?;
                if held { Ok(()) } else { Err(Failure::lost()) }
            })
            .await?;
        self.checkpoint = Some(value);
        Ok(())
    }

    /// Tells those who watch how far it is. At most five times a second; what comes
    /// sooner is left out, as nobody could see it.
    ///
    /// # Errors
    /// When the database fails, or the lease is lost.
    pub async fn progress(&mut self, progress: &Progress) -> Result<(), Failure> {
        if self.told_at.is_some_and(|at| at.elapsed() < PROGRESS_PAUSE) {
            return Ok(());
        }
        let value = serde_json::to_value(progress)?;
        let mut connection = self.db.connection().await?;
        let held = store::progress(&mut connection, self.id, self.lease, &value).await?;
        self.told_at = Some(Instant::now());
        if held { Ok(()) } else { Err(Failure::lost()) }
    }

    /// The work is done, and nothing of it needs to commit with that.
    #[must_use]
    pub fn done(self) -> Done {
        Done { committed: false, effect: None }
    }

    /// The work is done, and `effect` commits with that, beside the effects of others that are done.
    #[must_use]
    pub fn done_with(self, effect: impl Effect) -> Done {
        Done { committed: false, effect: Some(Boxed::new(effect)) }
    }

    /// Commits `effects` together with the end of the job: both happen, exactly once.
    ///
    /// # Errors
    /// What `effects` says, or that the lease is lost; nothing is committed then.
    pub async fn finish(
        self,
        effects: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<(), Failure>,
    ) -> Result<Done, Failure> {
        let Self { id, lease, is_kept, .. } = self;
        let finished = Finished { id, lease, ending: Ending::Succeeded, is_kept };
        self.db
            .transaction(async |connection| {
                effects(connection).await?;
                let ended = end(connection, &finished, self.lane.as_deref()).await?;
                if ended { Ok(Done { committed: true, effect: None }) } else { Err(Failure::lost()) }
            })
            .await
    }
}

async fn end(
    connection: &mut AsyncPgConnection,
    finished: &Finished,
    lane: Option<&str>,
) -> db::Result<bool> {
    let one = std::slice::from_ref(finished);
    let ended = match lane {
        Some(lane) => store::finish_in_lanes(connection, one, &[lane.to_owned()]).await?,
        None => store::finish(connection, one).await?,
    };
    Ok(!ended.is_empty())
}
