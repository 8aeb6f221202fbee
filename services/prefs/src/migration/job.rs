use contract_prefs::{NamespaceName, PreferenceChange};
use diesel_async::AsyncPgConnection;
use ids::Timestamp;
use jobs::{Done, EnqueueError, Failure, Job, Lane, Policy, Priority, Run};
use serde::{Deserialize, Serialize};
use service_kit::db::Db;

use super::{rules, store};
use crate::{
    document::{
        DocumentError, Held,
        act::{fitted, tell},
        store::{self as documents, Author, Write},
    },
    namespace::Validators,
};

/// How many layers are led between two checkpoints.
const BATCH: i64 = 100;

/// Leads what is stored to its namespace as it is now.
///
/// A layer of which something does not fit stays as it is: readers do without that, and
/// nothing is lost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Migrate {
    namespace: NamespaceName,
}

impl Migrate {
    /// Has it done, once this transaction commits.
    pub(crate) async fn enqueue(
        conn: &mut AsyncPgConnection,
        namespace: &NamespaceName,
    ) -> Result<(), EnqueueError> {
        jobs::enqueue(conn, &Self { namespace: namespace.clone() }).await.map(drop)
    }
}

impl Job for Migrate {
    type State = Db;

    const KIND: &'static str = "prefs.migrate_documents";
    const POLICY: Policy = Policy { priority: Priority::Low, ..Policy::DEFAULT };

    fn lane(&self) -> Option<Lane> {
        Some(Lane::ordered(format!("prefs.migrate_documents/{}", self.namespace)))
    }

    async fn run(self, mut run: Run, db: Db) -> Result<Done, Failure> {
        let mut place: store::Place = run.last_checkpoint()?.unwrap_or_default();
        let validators = Validators::default();
        loop {
            let behind = store::behind(&mut *db.connection().await?, &self.namespace, place, BATCH).await?;
            place = match behind.last() {
                Some(last) => place.at(*last),
                None if place.members => return Ok(run.done()),
                None => store::Place::of_members(),
            };
            run.checkpoint(&place, async |conn| {
                for layer in &behind {
                    lead(conn, &self.namespace, *layer, &validators).await?;
                }
                Ok(())
            })
            .await?;
        }
    }
}

/// Leads one layer. If somebody writes it meanwhile, they have led it.
async fn lead(
    conn: &mut AsyncPgConnection,
    namespace: &NamespaceName,
    place: store::Behind,
    validators: &Validators,
) -> Result<(), DocumentError> {
    let (org, user, whose) = (place.org_id, place.owner_id, place.whose());
    let held = documents::find(conn, org, user, namespace).await?;
    let mut layer = held.stored(whose).layer.clone();
    rules::lead(&mut layer, &held.stored(whose).migration);
    let fitting: Held = fitted(held.clone(), validators)?;
    if fitting.stored(whose).layer != layer {
        return Ok(());
    }
    if held.stored(whose).layer == layer {
        return Ok(store::keep(conn, place, &held).await?);
    }
    let (author, change) = (Author::default(), PreferenceChange::Migrated);
    let write = Write { org, user, whose, held: &held, layer: &layer, change, author: &author };
    if let Some(version) = documents::write(conn, &write, Timestamp::now()).await? {
        tell(conn, &write, version).await?;
    }
    Ok(())
}
