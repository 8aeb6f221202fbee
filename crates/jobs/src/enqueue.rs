use diesel_async::AsyncPgConnection;
use ids::{JobId, OrgId, Timestamp, UserId};
use problem::{Describe, Kind};
use serde_json::Value;
use service_discovery::Context;
use service_kit::db;

use crate::{HINTS, Job, Lane, Policy, store};

/// A job that is about to be enqueued.
#[derive(Debug)]
pub struct NewJob {
    pub(crate) id: JobId,
    pub(crate) org: Option<OrgId>,
    pub(crate) user: Option<UserId>,
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
    pub(crate) context: Context,
    pub(crate) policy: Policy,
    pub(crate) run_at: Option<Timestamp>,
    pub(crate) unique: Option<String>,
    pub(crate) lane: Option<Lane>,
}

/// A job that is in the queue once the caller's transaction commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// Its id; that of the one that was there when its [`Job::unique`] key was taken.
    pub id: JobId,
    /// Whether it is new.
    pub fresh: bool,
}

/// Why a job was not enqueued.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// Its payload is nothing that JSON can say.
    #[error("the payload of a job cannot be written as JSON")]
    Payload(#[from] serde_json::Error),
    /// Others with its unique key came and went all the while.
    #[error("the unique key of a job is fought over")]
    Contended,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Enqueues a job of the platform's own in the caller's transaction: it is there if and
/// only if the transaction commits.
///
/// # Errors
/// [`EnqueueError`]; the transaction is then to be rolled back.
pub async fn enqueue(connection: &mut AsyncPgConnection, job: &impl Job) -> Result<Enqueued, EnqueueError> {
    NewJob::of(job)?.enqueue(connection).await
}

/// Enqueues jobs of one kind in the caller's transaction, in their order and by one statement.
///
/// # Errors
/// [`EnqueueError`]; the transaction is then to be rolled back. It is one when a unique key is
/// taken, too.
pub async fn enqueue_all<J: Job>(
    connection: &mut AsyncPgConnection,
    org: Option<OrgId>,
    jobs: &[J],
) -> Result<(), EnqueueError> {
    let new: Result<Vec<NewJob>, _> = jobs.iter().map(NewJob::of).collect();
    let new: Vec<NewJob> = new?.into_iter().map(|new| NewJob { org, ..new }).collect();
    store::insert_all(connection, &new).await?;
    if !new.is_empty() && HINTS.is_due() {
        store::notify(connection, "").await?;
    }
    Ok(())
}

impl NewJob {
    /// A job to be run as soon as possible.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    pub fn of<J: Job>(job: &J) -> Result<Self, serde_json::Error> {
        Ok(Self {
            id: JobId::generate(),
            org: None,
            user: None,
            kind: J::KIND,
            payload: serde_json::to_value(job)?,
            context: Context::current(),
            policy: J::POLICY,
            run_at: None,
            unique: job.unique(),
            lane: job.lane(),
        })
    }

    /// Belongs to `org`, whose members may watch and cancel it.
    #[must_use]
    pub fn org(self, org: OrgId) -> Self {
        Self { org: Some(org), ..self }
    }

    /// Was asked for by `user`.
    #[must_use]
    pub fn by(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Not before `at`.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { run_at: Some(at), ..self }
    }

    /// Enqueues it in the caller's transaction.
    ///
    /// # Errors
    /// [`EnqueueError`]; the transaction is then to be rolled back.
    pub async fn enqueue(self, connection: &mut AsyncPgConnection) -> Result<Enqueued, EnqueueError> {
        let enqueued = self.insert(connection).await?;
        if HINTS.is_due() {
            store::notify(connection, "").await?;
        }
        Ok(enqueued)
    }

    /// The UNIQUE key decides; when the other one ends in between, once more.
    async fn insert(&self, connection: &mut AsyncPgConnection) -> Result<Enqueued, EnqueueError> {
        for _ in 0..3 {
            if store::insert(connection, self).await? {
                return Ok(Enqueued { id: self.id, fresh: true });
            }
            if let Some(id) = store::active(connection, self.kind, self.unique.as_deref()).await? {
                return Ok(Enqueued { id, fresh: false });
            }
        }
        Err(EnqueueError::Contended)
    }
}

impl Describe for EnqueueError {
    fn kind(&self) -> Kind {
        match self {
            Self::Payload(_) => Kind::Internal,
            Self::Contended => Kind::Unavailable,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Payload(_) => "internal",
            Self::Contended => "job_contended",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Payload(_) => None,
            Self::Contended => Some(std::time::Duration::from_secs(1)),
            Self::Db(error) => error.retry_after(),
        }
    }
}
