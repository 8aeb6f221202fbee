use std::{
    convert::Infallible,
    error::Error,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use ids::OrgId;
use quick_cache::sync::Cache;
use service_kit::db::Db;

use super::{snapshot::Snapshot, store};
use crate::flag_set::FlagError;

/// How long a snapshot is believed without a look at its version. Hints come sooner.
const BELIEVED: Duration = Duration::from_secs(1);

/// The snapshots of how many organisations are kept at most.
const MOST: usize = 512;

/// The wait before a new connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// The sets of organisations as they were within the last second.
#[derive(Debug)]
pub(super) struct Snapshots {
    slots: Cache<OrgId, Arc<Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    held: Mutex<Option<Held>>,
    /// Counts hints: what was read before the last one is old.
    hints: AtomicU64,
    /// One reads for all.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Held {
    snapshot: Arc<Snapshot>,
    looked_at: Instant,
    /// The count of hints before it was read.
    hints: u64,
}

impl Snapshots {
    pub(super) fn new() -> Self {
        Self { slots: Cache::new(MOST) }
    }

    /// The set of an organisation. If the database is away, the one that is held.
    pub(super) async fn get(&self, db: &Db, org: OrgId) -> Result<Arc<Snapshot>, FlagError> {
        let made = self.slots.get_or_insert_with(&org, || Ok::<_, Infallible>(Arc::default()));
        let slot = match made {
            Ok(slot) => slot,
            Err(never) => match never {},
        };
        if let Some(fresh) = slot.fresh() {
            return Ok(fresh);
        }
        let _reading = match slot.reading.try_lock() {
            Ok(reading) => reading,
            Err(_busy) => {
                // Another looks already; what no hint has called old is good enough until then.
                if let Some(held) = slot.unhinted() {
                    return Ok(held.snapshot);
                }
                slot.reading.lock().await
            }
        };
        match slot.fresh() {
            Some(fresh) => Ok(fresh),
            None => slot.read(db, org).await,
        }
    }

    /// What is held of an organisation is old.
    pub(super) fn expire(&self, org: OrgId) {
        if let Some(slot) = self.slots.get(&org) {
            slot.hints.fetch_add(1, Ordering::Release);
        }
    }

    /// Hears hints, for ever. Without them a change is seen a second later.
    pub(super) async fn follow(&self, db: &Db) -> ! {
        loop {
            if let Err(why) = self.hear(db).await {
                tracing::warn!(%why, "no hints of changed flags are heard; versions are looked at");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn hear(&self, db: &Db) -> Result<(), Box<dyn Error>> {
        let mut connection = db.dedicated().await?;
        store::listen(&mut connection).await?;
        let mut hints = pin!(connection.notifications_stream());
        while let Some(heard) = hints.next().await {
            if let Ok(org) = heard?.payload.parse() {
                self.expire(org);
            }
        }
        Err("the connection ended".into())
    }
}

impl Slot {
    fn held(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unhinted(&self) -> Option<Held> {
        self.held().filter(|held| held.hints == self.hints.load(Ordering::Acquire))
    }

    fn fresh(&self) -> Option<Arc<Snapshot>> {
        self.unhinted().filter(|held| held.looked_at.elapsed() < BELIEVED).map(|held| held.snapshot)
    }

    async fn read(&self, db: &Db, org: OrgId) -> Result<Arc<Snapshot>, FlagError> {
        let hints = self.hints.load(Ordering::Acquire);
        let held = self.held();
        let known = held.as_ref().map_or(-1, |held| held.snapshot.version);
        let read = async { store::newer(&mut *db.connection().await?, org, known).await };
        let snapshot = match (read.await, held) {
            (Ok(Some(newer)), _) => Arc::new(newer),
            (Ok(None), Some(held)) => held.snapshot,
            (Ok(None), None) => Arc::default(),
            (Err(FlagError::Db(why)), Some(held)) => {
                tracing::warn!(%why, "flags are evaluated as they were: the database is away");
                held.snapshot
            }
            (Err(why), _) => return Err(why),
        };
        let next = Held { snapshot: Arc::clone(&snapshot), looked_at: Instant::now(), hints };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        Ok(snapshot)
    }
}
