use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ids::{ApiKeyId, Timestamp};
use service_kit::db::Db;

use super::store;

/// How often uses are written.
const EVERY: Duration = Duration::from_secs(30);

/// Remembers when keys were used, so that a use costs no write of its own. What was
/// not yet written is lost with the process: it is only ever shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastUsed {
    uses: Arc<Mutex<HashMap<ApiKeyId, Timestamp>>>,
}

impl LastUsed {
    pub(crate) fn note(&self, key: ApiKeyId, now: Timestamp) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(key, now);
    }

    /// Writes what was noted, again and again. Never ends by itself.
    pub(crate) async fn run(&self, db: &Db) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.write(db).await;
        }
    }

    /// Writes what was noted. A failure is tolerated: the uses wait for the next time.
    pub(crate) async fn write(&self, db: &Db) {
        let uses: Vec<_> = self.uses.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        if uses.is_empty() {
            return;
        }
        let written = match db.connection().await {
            Ok(mut connection) => store::touch(&mut connection, uses.clone()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "uses of API keys could not be written; they wait");
            let mut waiting = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, at) in uses {
                waiting.entry(key).or_insert(at);
            }
        }
    }
}
