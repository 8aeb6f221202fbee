//! What happens to organisations, whole: the rows, what becomes void, and what others are
//! told. Each belongs in one transaction; who did it, the caller records.

use contract_auth::{
    NewOrganization, OrganizationChange,
    events::{OrganizationCreated, OrganizationDeleted, OrganizationUpdated},
};
use diesel_async::AsyncPgConnection;
use events::publish;
use identity::Revocation;
use ids::{OrgId, Timestamp, UserId};
use service_kit::db;

use super::{OrganizationError, store};
use crate::{membership, rights, rights::Whose, session};

/// Makes an organisation that `owner`, who is held, owns, unless they own the most.
pub(super) async fn create(
    connection: &mut AsyncPgConnection,
    owner: UserId,
    new: &NewOrganization,
    most: i64,
    now: Timestamp,
) -> Result<OrgId, OrganizationError> {
    if store::count_owned(connection, owner).await? >= most {
        return Err(OrganizationError::TooMany(most));
    }
    let org = OrgId::generate();
    store::insert(connection, org, owner, new, now).await?;
    let created = OrganizationCreated { org_id: org, owner_id: owner, personal: false, version: 1 };
    publish(connection, &created).await?;
    Ok(org)
}

/// Changes an organisation that is held.
pub(super) async fn change(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    change: &OrganizationChange,
    now: Timestamp,
) -> Result<(), OrganizationError> {
    store::change(connection, org, change, now).await?;
    let version = store::next_revision(connection, org).await?;
    let updated = OrganizationUpdated { org_id: org, changed: "profile".to_owned(), version };
    publish(connection, &updated).await?;
    Ok(())
}

/// Deletes an organisation that is held, with all that is its own: the tokens of its members
/// are void, and their sessions in it go on in their personal ones.
pub(crate) async fn delete(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<Vec<Revocation>> {
    let voided =
        rights::store::outdate(connection, Whose::Members(org), "deletion of an organisation").await?;
    // Before the sessions, so that none comes after them; before the organisation, whose
    // deletion waits for nobody who holds a membership.
    membership::store::remove_all(connection, org).await?;
    session::store::move_home(connection, org, None).await?;
    let version = store::remove(connection, org).await? + 1;
    publish(connection, &OrganizationDeleted { org_id: org, version }).await?;
    Ok(voided)
}

/// Before a user is deleted: deletes the organisations that they own alone, and ends their
/// memberships in those of others. Refuses a user who owns organisations with others.
pub(crate) async fn let_go(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<(), OrganizationError> {
    require_no_others(connection, user).await?;
    for org in store::owned_alone(connection, user).await? {
        store::lock(connection, org).await?;
        // Somebody may have joined before the lock.
        if membership::store::count(connection, org).await? > 1 {
            return Err(OrganizationError::Owns(vec![org]));
        }
        delete(connection, org).await?;
    }
    Ok(membership::act::end_all(connection, user).await?)
}

/// Refuses a user who owns organisations that others belong to.
pub(crate) async fn require_no_others(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<(), OrganizationError> {
    let owned = store::owned_with_others(connection, user).await?;
    if owned.is_empty() { Ok(()) } else { Err(OrganizationError::Owns(owned)) }
}
