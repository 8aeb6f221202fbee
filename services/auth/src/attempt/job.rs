use contract_auth::MailKind;
use diesel_async::AsyncPgConnection;
use ids::{Timestamp, UserId};
use jobs::{Done, Failure, Job, Run};
use serde::{Deserialize, Serialize};
use service_kit::db;

use super::{rules, store};
use crate::{
    account,
    mail::{self, NewMail},
};

/// Tells whoever owns a locked account about it. There is one also where there is no
/// account, so that a lock takes the same time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TellLocked {
    pub(super) user: Option<UserId>,
    pub(super) failures: i32,
}

impl Job for TellLocked {
    type State = ();

    const KIND: &'static str = "auth.tell_locked";

    async fn run(self, run: Run, (): ()) -> Result<Done, Failure> {
        let Some(user) = self.user else { return Ok(run.done()) };
        let until_reset = self.failures >= rules::MOST;
        run.finish(async |connection| Ok(tell(connection, user, until_reset).await?)).await
    }
}

async fn tell(connection: &mut AsyncPgConnection, user: UserId, until_reset: bool) -> db::Result<()> {
    let Some(address) = store::address_of(connection, user).await? else { return Ok(()) };
    let Some(org) = account::store::personal_organization(connection, user).await? else { return Ok(()) };
    let mail =
        NewMail::to_user(MailKind::AccountLocked, &address, user, org).with("until_reset", until_reset);
    mail::act::send(connection, &mail, Timestamp::now()).await
}
