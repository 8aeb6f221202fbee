//! What happens to accounts, whole: the rows, what becomes void, and what others are
//! told. Each belongs in one transaction; who did it, the caller records.

use contract_auth::events::{
    OrganizationCreated, OrganizationDeleted, UserCreated, UserDeleted, UserExportReady, UserReregistered,
    UserUpdated,
};
use diesel::result::Error::NotFound;
use diesel_async::AsyncPgConnection;
use events::publish;
use identity::Revocation;
use ids::{ExportId, OrgId, Timestamp, UserId};
use service_kit::db;

use super::{NewAccount, store};
use crate::{
    one_time::{self, Purpose},
    organization::{self, OrganizationError},
    revocation, session,
};

/// What became of the wish to make an account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Registered {
    /// There is a new user, with an organisation.
    Anew(UserId, OrgId),
    /// The address is this user's, who has this organisation.
    Before(UserId, OrgId),
}

/// Makes an account, unless the address has one: then its owner is to be told.
///
/// Both take as many statements, so that time does not tell which it was.
pub(crate) async fn register(
    connection: &mut AsyncPgConnection,
    new: &NewAccount,
    password_hash: &str,
    roles: &[&str],
    now: Timestamp,
) -> db::Result<Registered> {
    let (user, org) = (UserId::generate(), OrgId::generate());
    let holder = store::insert(connection, (user, org), new, password_hash, roles, now).await?;
    if holder.id == user {
        let created = OrganizationCreated { org_id: org, owner_id: user, personal: true, version: 1 };
        publish(connection, &created).await?;
        publish(connection, &UserCreated { user_id: user, org_id: org, version: 1 }).await?;
        return Ok(Registered::Anew(user, org));
    }
    let user_id = holder.id;
    let org_id = match holder.org_id {
        Some(org) => org,
        // They registered a moment ago, after the statement's snapshot.
        None => store::personal_organization(connection, user_id).await?.ok_or(NotFound)?,
    };
    store::note_reregistration(connection, user_id, now).await?;
    publish(connection, &UserReregistered { user_id, org_id, version: holder.revision }).await?;
    Ok(Registered::Before(user_id, org_id))
}

/// Deletes an account with all that hangs on it, and voids its tokens; the revocations,
/// none if there was no account. Refuses who owns organisations with others.
pub(crate) async fn delete(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> Result<Vec<Revocation>, OrganizationError> {
    organization::act::let_go(connection, user).await?;
    let mut voided = session::act::end_impersonations(connection, user, "deletion", Timestamp::now()).await?;
    let Some(gone) = store::delete(connection, user).await? else { return Ok(voided) };
    let org_id = gone.org_id;
    publish(connection, &UserDeleted { user_id: user, org_id, version: gone.revision + 1 }).await?;
    publish(connection, &OrganizationDeleted { org_id, version: gone.org_revision + 1 }).await?;
    let of_user = vec![Revocation::of_user(user, gone.version + 1)];
    voided.extend(revocation::write(connection, of_user, "deletion").await?);
    Ok(voided)
}

/// Replaces the password, if it is still the one with the hash `old`, and voids the
/// user's tokens; nothing if it is not.
pub(crate) async fn replace_password(
    connection: &mut AsyncPgConnection,
    user: UserId,
    old: &str,
    new: &str,
) -> db::Result<Option<Vec<Revocation>>> {
    let version = store::replace_password(connection, user, old, new).await?;
    let Some(version) = version else { return Ok(None) };
    // A login that has shown the old password must not take its second step.
    one_time::store::void(connection, user, &[Purpose::SecondFactor]).await?;
    changed(connection, user, "password").await?;
    let voided = vec![Revocation::of_user(user, version)];
    revocation::write(connection, voided, "password change").await.map(Some)
}

/// Marks the user's address as verified, and voids their tokens, since the next ones say
/// more; nothing if it was. Wishes for another address end: they came before it (ADR 18).
pub(crate) async fn verify(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<Revocation>> {
    let Some(version) = store::verify_email(connection, user).await? else { return Ok(Vec::new()) };
    one_time::store::void(connection, user, &[Purpose::VerifyEmail, Purpose::ChangeEmail]).await?;
    changed(connection, user, "email_verified").await?;
    revocation::write(connection, vec![Revocation::of_user(user, version)], "verification").await
}

/// Tells others that something about the user is not what it was, if there is one.
pub(crate) async fn changed(connection: &mut AsyncPgConnection, user: UserId, what: &str) -> db::Result<()> {
    if let Some(store::Told { revision, org_id }) = store::next_revision(connection, user).await? {
        let event = UserUpdated { user_id: user, org_id, changed: what.to_owned(), version: revision };
        publish(connection, &event).await?;
    }
    Ok(())
}

/// Tells others that all which is held about the user was gathered, if there is one.
pub(crate) async fn export_ready(
    connection: &mut AsyncPgConnection,
    user: UserId,
    export_id: ExportId,
) -> db::Result<()> {
    if let Some(store::Told { revision, org_id }) = store::next_revision(connection, user).await? {
        let event = UserExportReady { user_id: user, org_id, export_id, version: revision };
        publish(connection, &event).await?;
    }
    Ok(())
}
