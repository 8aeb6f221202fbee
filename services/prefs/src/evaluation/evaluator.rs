use std::sync::Arc;

use ids::OrgId;
use service_kit::db::Db;

use super::{snapshot::Snapshot, snapshots::Snapshots};
use crate::{exposure::Exposures, flag_set::FlagError};

/// Evaluates flags, and notes who saw what.
#[derive(Debug)]
pub(crate) struct Evaluator {
    db: Db,
    snapshots: Snapshots,
    exposures: Exposures,
}

impl Evaluator {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, snapshots: Snapshots::new(), exposures: Exposures::default() }
    }

    /// The database, for those who change what is evaluated.
    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    /// The set of an organisation.
    pub(crate) async fn snapshot(&self, org: OrgId) -> Result<Arc<Snapshot>, FlagError> {
        self.snapshots.get(&self.db, org).await
    }

    /// Who has changed a set sees the change in their next evaluation here.
    pub(crate) fn expire(&self, org: OrgId) {
        self.snapshots.expire(org);
    }

    /// Who saw what, until it is written.
    pub(crate) const fn exposures(&self) -> &Exposures {
        &self.exposures
    }

    /// Hears of changes and writes exposures, for ever.
    pub(crate) async fn run(&self) -> ! {
        tokio::select! {
            never = self.snapshots.follow(&self.db) => never,
            never = self.exposures.write_on(&self.db) => never,
        }
    }

    /// Writes the exposures that are left: before the process ends.
    pub(crate) async fn finish(&self) {
        self.exposures.write(&self.db).await;
    }
}
