use jobs::{Done, Failure, Job, Run};
use serde::{Deserialize, Serialize};

use super::{Owner, delete_all, store};

/// Erases once more, and forgets that there was anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Erase {
    pub(super) owner: Owner,
}

impl Job for Erase {
    type State = ();

    const KIND: &'static str = "prefs.erase_documents";

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        run.finish(async |conn| {
            delete_all(conn, self.owner).await?;
            Ok(store::forget(conn, self.owner).await?)
        })
        .await
    }
}
