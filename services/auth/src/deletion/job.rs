use ids::{Timestamp, UserId};
use jobs::{Done, Failure, Job, Run};
use serde::{Deserialize, Serialize};

use super::{act, rules::Verdict};

/// Deletes an account whose time of grace is over, unless it was restored.
///
/// It belongs to nobody: whoever may cancel their own jobs keeps an account by restoring it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct DeleteAccount {
    pub(super) user: UserId,
    /// Which wish it carries out: the account must still be about to go then.
    pub(super) at: Timestamp,
}

impl Job for DeleteAccount {
    type State = ();

    const KIND: &'static str = "auth.delete_account";

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        run.finish(async |connection| match act::carry_out(connection, self, Timestamp::now()).await? {
            Verdict::Due | Verdict::Void => Ok(()),
            Verdict::Early(wait) => Err(Failure::retry_after(wait, "the time of grace is not over yet")),
        })
        .await
    }
}
