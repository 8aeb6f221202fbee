use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use contract_prefs::ExperimentId;
use ids::{OrgId, Timestamp};
use service_kit::db::Db;

use super::store;

/// How often what was noted is written.
const EVERY: Duration = Duration::from_secs(2);

/// How many wait at most; more are dropped, and the log says so.
const MOST: usize = 100_000;

/// Somebody saw a variant on a day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(super) org: OrgId,
    pub(super) experiment: ExperimentId,
    pub(super) variant: String,
    pub(super) subject: [u8; 16],
    /// Days since 1970, UTC.
    pub(super) day: i32,
}

impl Seen {
    pub(crate) fn new(
        org: OrgId,
        experiment: ExperimentId,
        salt: &[u8],
        targeting_key: &str,
        variant: &str,
        now: Timestamp,
    ) -> Self {
        let subject = subject(salt, targeting_key);
        let day = i32::try_from(now.unix_seconds().div_euclid(86_400)).unwrap_or_default();
        Self { org, experiment, variant: variant.to_owned(), subject, day }
    }
}

/// What stands for a targeting key, which may be personal: the first half of the SHA-256 of
/// the organisation's salt and the key. When the organisation is erased so is the salt.
pub(crate) fn subject(salt: &[u8], targeting_key: &str) -> [u8; 16] {
    let mut hash = Context::new(&SHA256);
    hash.update(salt);
    hash.update(targeting_key.as_bytes());
    let mut subject = [0; 16];
    subject.copy_from_slice(&hash.finish().as_ref()[..16]);
    subject
}

/// What was noted and is not written yet; the same on the same day only once.
#[derive(Debug, Default)]
pub(crate) struct Exposures {
    waiting: Mutex<BTreeSet<Seen>>,
}

impl Exposures {
    /// Notes; never waits.
    pub(crate) fn note(&self, seen: Seen) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.insert(seen);
        } else {
            tracing::warn!("an exposure is dropped: {MOST} wait to be written");
        }
    }

    /// Writes now and then, for ever.
    pub(crate) async fn write_on(&self, db: &Db) -> ! {
        loop {
            tokio::time::sleep(EVERY).await;
            self.write(db).await;
        }
    }

    /// Writes what waits; if that fails it waits on.
    pub(crate) async fn write(&self, db: &Db) {
        let taken = mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return;
        }
        let written = async { store::insert(&mut *db.connection().await?, &taken).await };
        if let Err(why) = written.await {
            tracing::warn!(%why, count = taken.len(), "exposures wait: they cannot be written now");
            taken.into_iter().for_each(|seen| self.note(seen));
        }
    }
}
