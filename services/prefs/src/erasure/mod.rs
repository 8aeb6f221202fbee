//! What goes when a user or an organisation is deleted: all of their documents, and the
//! organisation's flags.
//!
//! A token that was given before may write for a moment longer. So the erasure is noted,
//! which refuses writes that begin after it, and is done once more when no token of that
//! time is left and no write of that time runs.

mod job;
mod store;

pub(crate) use job::Erase;
pub(crate) use store::is_noted;

use std::time::Duration;

use contract_auth::events::{MembershipDeleted, OrganizationDeleted, UserDeleted};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use jobs::{Failure, NewJob};
use serde::{Deserialize, Serialize};

use crate::{document::store::Author, personal};
use service_kit::db;

use crate::flag_set;

/// When it is done once more: access tokens live for 15 minutes at most.
const AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Whose documents go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Owner {
    User(UserId),
    Organization(OrgId),
}

/// Handles `user.deleted`.
pub(crate) async fn of_user(conn: &mut AsyncPgConnection, event: UserDeleted) -> Result<(), Failure> {
    erase(conn, Owner::User(event.user_id)).await
}

/// Handles `organization.deleted`.
pub(crate) async fn of_organization(
    conn: &mut AsyncPgConnection,
    event: OrganizationDeleted,
) -> Result<(), Failure> {
    erase(conn, Owner::Organization(event.org_id)).await
}

/// Deletes the owner's documents, and an organisation's flags; gives how many documents.
async fn delete_all(conn: &mut AsyncPgConnection, owner: Owner) -> db::Result<usize> {
    if let Owner::Organization(org) = owner {
        flag_set::store::erase(conn, org).await?;
    }
    store::delete_documents(conn, owner).await
}

/// Handles `membership.deleted`: what somebody chose in an organisation that they are no
/// member of any more. The rows stay, emptied, so that no version comes twice if they return.
pub(crate) async fn of_member(conn: &mut AsyncPgConnection, event: MembershipDeleted) -> Result<(), Failure> {
    let nobody = Author::default();
    Ok(personal::store::erase(conn, event.org_id, event.user_id, &nobody, Timestamp::now()).await?)
}

async fn erase(conn: &mut AsyncPgConnection, owner: Owner) -> Result<(), Failure> {
    store::note(conn, owner).await?;
    let documents = delete_all(conn, owner).await?;
    NewJob::of(&Erase { owner })?.at(Timestamp::now() + AGAIN_AFTER).enqueue(conn).await?;
    tracing::info!(?owner, documents, "preferences are erased");
    Ok(())
}
