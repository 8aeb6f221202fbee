use ids::{Timestamp, UserId};
use jobs::{Done, Failure, Job, Policy, Priority, Run};
use serde::{Deserialize, Serialize};

use super::{Letter, act};

/// Mails a link, unless there is nobody to mail it to. Its payload holds no address: for one
/// without an account, `user` is nobody's id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SendLink {
    pub(super) user: UserId,
    pub(super) letter: Letter,
}

impl Job for SendLink {
    type State = ();

    const KIND: &'static str = "auth.send_link";
    const POLICY: Policy = Policy { priority: Priority::High, ..Policy::DEFAULT };

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        run.finish(async |connection| {
            Ok(act::send(connection, self.user, self.letter, Timestamp::now()).await?)
        })
        .await
    }
}
