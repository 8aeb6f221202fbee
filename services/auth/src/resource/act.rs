//! What happens to who may use a resource, whole: the rows, and what others are told. Each
//! belongs in one transaction that holds the organisation; who did it, the caller records.

use contract_auth::{ResourceId, ResourcePermission, events::ResourcePermissionsChanged};
use diesel_async::AsyncPgConnection;
use events::publish;
use identity::Principal;
use ids::{OrgId, UserId};
use service_kit::db;

use super::{ResourceError, rules, rules::Facts, store};
use crate::{
    membership::{self, MembershipError},
    organization,
};

/// How the caller stands to a resource about which they may decide.
pub(super) async fn enter(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    org: OrgId,
    resource: &ResourceId,
) -> Result<Facts, ResourceError> {
    let member = membership::act::enter(connection, caller, org).await?;
    let facts = store::facts(connection, org, member.user, resource).await?;
    let facts = facts.ok_or(MembershipError::Unknown)?;
    rules::require_administrator(caller, facts)?;
    Ok(facts)
}

/// The same, of a caller whose credential lives still, while the organisation is held.
pub(super) async fn hold(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    org: OrgId,
    resource: &ResourceId,
) -> Result<Facts, ResourceError> {
    membership::act::hold(connection, caller, org).await?;
    enter(connection, caller, org, resource).await
}

/// Gives a member a leave; from then on the resource is restricted.
pub(super) async fn permit(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
    leave: &ResourcePermission,
) -> Result<(), ResourceError> {
    store::restrict(connection, org, resource, leave.updated_at).await?;
    if !store::permit(connection, org, resource, leave).await? {
        return Err(MembershipError::UnknownMember.into());
    }
    Ok(changed(connection, org, resource).await?)
}

/// Takes a member's leave; the resource stays restricted, even to nobody.
pub(super) async fn forbid(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
    user: UserId,
) -> Result<(), ResourceError> {
    if !store::forbid(connection, org, resource, user).await? {
        return Err(ResourceError::UnknownLeave);
    }
    Ok(changed(connection, org, resource).await?)
}

/// Opens the resource to all members; whether it was restricted.
pub(super) async fn open(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
) -> db::Result<bool> {
    let was_restricted = store::open(connection, org, resource).await?;
    if was_restricted {
        changed(connection, org, resource).await?;
    }
    Ok(was_restricted)
}

async fn changed(connection: &mut AsyncPgConnection, org: OrgId, resource: &ResourceId) -> db::Result<()> {
    let version = organization::store::next_revision(connection, org).await?;
    let event = ResourcePermissionsChanged { org_id: org, resource: resource.clone(), version };
    publish(connection, &event).await?;
    Ok(())
}
