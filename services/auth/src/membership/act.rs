//! What happens to members, whole: the rows, what becomes void, and what others are told.
//! Each belongs in one transaction; who did it, the caller records.
//!
//! Whoever changes an organisation holds its row. Locks are taken in one order: the
//! organisation, users, memberships, sessions.

use contract_auth::events::{MembershipCreated, MembershipDeleted, MembershipUpdated, OrganizationUpdated};
use diesel_async::AsyncPgConnection;
use events::publish;
use identity::{Principal, Revocation};
use ids::{OrgId, Timestamp, UserId};
use service_kit::db;

use super::{
    MembershipError, Standing,
    rules::{self, ADMIN, OWNER},
    store,
};
use crate::{organization, rights, rights::Whose, session};

/// How the caller stands in the organisation; for who is no member there is none.
pub(crate) async fn enter(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    org: OrgId,
) -> Result<Standing, MembershipError> {
    if !rules::reaches(caller, org) {
        return Err(MembershipError::Unknown);
    }
    store::standing(connection, org, caller.user).await?.ok_or(MembershipError::Unknown)
}

/// The same, of a caller whose credential lives still; until the transaction ends nobody
/// else changes the organisation or its members.
pub(crate) async fn hold(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    org: OrgId,
) -> Result<Standing, MembershipError> {
    rights::store::require_live(connection, caller).await?;
    organization::store::lock(connection, org).await?;
    enter(connection, caller, org).await
}

/// How the other member stands.
async fn other(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> Result<Standing, MembershipError> {
    store::standing(connection, org, user).await?.ok_or(MembershipError::UnknownMember)
}

/// Lets the user in, if they are no member yet and there is room.
pub(crate) async fn join(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    role: &str,
    most: i64,
    now: Timestamp,
) -> Result<bool, MembershipError> {
    if !store::owner_stays(connection, org).await? {
        return Err(MembershipError::Closing);
    }
    if !store::insert(connection, org, user, role, now).await? {
        return Ok(false);
    }
    if store::count(connection, org).await? > most {
        return Err(MembershipError::Full(most));
    }
    let version = organization::store::next_revision(connection, org).await?;
    let joined = MembershipCreated { org_id: org, user_id: user, role: role.to_owned(), version };
    publish(connection, &joined).await?;
    Ok(true)
}

/// Gives a member another role and voids their tokens; nothing if they have it.
pub(super) async fn change_role(
    connection: &mut AsyncPgConnection,
    by: &Standing,
    user: UserId,
    role: &str,
) -> Result<Option<Vec<Revocation>>, MembershipError> {
    let wanted = store::role(connection, role).await?.ok_or_else(|| rules::unknown_role(role))?;
    let member = other(connection, by.org, user).await?;
    by.require_may_give(&wanted)?;
    by.require_over(&member)?;
    if member.role.name == role {
        return Ok(None);
    }
    let voided = rights::store::outdate(connection, Whose::User(user), "role change").await?;
    set_role(connection, by.org, user, role).await?;
    Ok(Some(voided))
}

async fn set_role(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    role: &str,
) -> db::Result<()> {
    store::set_role(connection, org, user, role).await?;
    let version = organization::store::next_revision(connection, org).await?;
    let updated = MembershipUpdated { org_id: org, user_id: user, role: role.to_owned(), version };
    publish(connection, &updated).await?;
    Ok(())
}

/// Removes a member who is below `by`; to remove oneself is to leave.
pub(super) async fn remove(
    connection: &mut AsyncPgConnection,
    by: &Standing,
    user: UserId,
) -> Result<Vec<Revocation>, MembershipError> {
    if by.user == user {
        return leave(connection, by).await;
    }
    let member = other(connection, by.org, user).await?;
    by.require_over(&member)?;
    Ok(end(connection, by.org, user).await?)
}

/// Lets a member go who is not the owner.
pub(super) async fn leave(
    connection: &mut AsyncPgConnection,
    member: &Standing,
) -> Result<Vec<Revocation>, MembershipError> {
    member.require_not_owner()?;
    Ok(end(connection, member.org, member.user).await?)
}

/// Ends a membership: tokens are void, API keys in the organisation gone, and sessions in it
/// go on in the personal one.
async fn end(connection: &mut AsyncPgConnection, org: OrgId, user: UserId) -> db::Result<Vec<Revocation>> {
    let voided = rights::store::outdate(connection, Whose::User(user), "end of a membership").await?;
    store::remove(connection, org, user).await?;
    session::store::move_home(connection, org, Some(user)).await?;
    let version = organization::store::next_revision(connection, org).await?;
    publish(connection, &MembershipDeleted { org_id: org, user_id: user, version }).await?;
    Ok(voided)
}

/// Ends all memberships of a user who is about to be deleted, but for those of an owner.
pub(crate) async fn end_all(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<()> {
    for org in store::of_others(connection, user).await? {
        organization::store::lock(connection, org).await?;
        if store::remove(connection, org, user).await? {
            let version = organization::store::next_revision(connection, org).await?;
            publish(connection, &MembershipDeleted { org_id: org, user_id: user, version }).await?;
        }
    }
    Ok(())
}

/// Hands the organisation over to another member, unless they own the most; nothing if it is
/// theirs.
pub(super) async fn transfer(
    connection: &mut AsyncPgConnection,
    owner: &Standing,
    to: UserId,
    most: i64,
) -> Result<Option<Vec<Revocation>>, MembershipError> {
    owner.require_owner()?;
    if owner.user == to {
        return Ok(None);
    }
    other(connection, owner.org, to).await?.require_can_own()?;
    let mut voided = Vec::new();
    let mut both = [owner.user, to];
    both.sort();
    for user in both {
        voided.extend(rights::store::outdate(connection, Whose::User(user), "transfer").await?);
    }
    // What was looked at before both were held may have changed.
    other(connection, owner.org, to).await?.require_can_own()?;
    if organization::store::count_owned(connection, to).await? >= most {
        return Err(MembershipError::OwnsMost(most));
    }
    // In this order: there is never a second owner, and none only until here.
    set_role(connection, owner.org, owner.user, ADMIN).await?;
    set_role(connection, owner.org, to, OWNER).await?;
    let version = organization::store::next_revision(connection, owner.org).await?;
    let changed = OrganizationUpdated { org_id: owner.org, changed: "owner".to_owned(), version };
    publish(connection, &changed).await?;
    Ok(Some(voided))
}
