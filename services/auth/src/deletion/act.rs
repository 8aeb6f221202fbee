//! How an account comes to go, or to stay, whole: the rows, what becomes void, what others are
//! told, and who did it. Each belongs in one transaction.

use audit::{By, Entry};
use contract_auth::{MailKind, audited};
use diesel_async::AsyncPgConnection;
use identity::{Principal, Revocation};
use ids::Timestamp;
use jobs::{EnqueueError, NewJob};

use super::{
    DeleteAccount,
    error::DeletionError,
    rules::{self, Verdict},
    store::{self, Standing},
};
use crate::{
    account,
    mail::{self, NewMail},
    one_time::{self, Purpose},
    organization, revocation,
    rights::{self, RightsError},
    session, user,
};

/// Deletes the caller's account, now.
pub(super) async fn delete(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    by: &By,
    now: Timestamp,
) -> Result<Vec<Revocation>, DeletionError> {
    organization::store::lock_all_of(connection, caller.user).await?;
    enter(connection, caller, now).await?;
    user::act::require_another_administrator(connection, caller.user).await?;
    let voided = account::act::delete(connection, caller.user).await?;
    audit::record(connection, by, Entry::of(audited::ACCOUNT_DELETED).on(caller.user)).await?;
    Ok(voided)
}

/// Has the caller's account go at `at`, unless it is to go already: when it goes, and what
/// became void. Their sessions end; they can log in to keep the account, and for nothing else.
pub(super) async fn schedule(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    by: &By,
    at: Timestamp,
    now: Timestamp,
) -> Result<(Timestamp, Vec<Revocation>), DeletionError> {
    let user = caller.user;
    let standing = enter(connection, caller, now).await?;
    if let Some(before) = standing.delete_at {
        return Ok((before, Vec::new()));
    }
    user::act::require_another_administrator(connection, user).await?;
    organization::act::require_no_others(connection, user).await?;
    let version = store::set(connection, user, Some(at), now).await?;
    let mut voided = session::act::end_all(connection, user, "deletion scheduled", now).await?;
    one_time::store::void(connection, user, &Purpose::OF_ACCOUNTS).await?;
    let job = NewJob::of(&DeleteAccount { user, at }).map_err(EnqueueError::from)?;
    job.at(at).enqueue(connection).await?;
    let mail = NewMail::to_user(MailKind::DeletionScheduled, &standing.email, user, standing.org_id);
    mail::act::send(connection, &mail.with("at", at.to_string()), now).await?;
    account::act::changed(connection, user, "deletion_scheduled").await?;
    let entry = Entry::of(audited::ACCOUNT_DELETION_SCHEDULED).on(user).with("at", at.to_string());
    audit::record(connection, by, entry).await?;
    let of_user = vec![Revocation::of_user(user, version)];
    voided.extend(revocation::write(connection, of_user, "deletion scheduled").await?);
    Ok((at, voided))
}

/// Holds the caller's account, if their credential lives still and the last proof is fresh.
/// Whoever sends it many times waits here for the first, and finds it done.
async fn enter(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    now: Timestamp,
) -> Result<Standing, DeletionError> {
    let standing = store::lock(connection, caller.user).await?.ok_or(RightsError::Ended)?;
    rights::store::require_live(connection, caller).await?;
    session::act::require_fresh(connection, caller, now).await?;
    Ok(standing)
}

/// Keeps the caller's account and voids their tokens, since the next ones say more; nothing if
/// it does not go.
pub(super) async fn restore(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    by: &By,
    now: Timestamp,
) -> Result<Vec<Revocation>, DeletionError> {
    let user = caller.user;
    let standing = store::lock(connection, user).await?.ok_or(RightsError::Ended)?;
    rights::store::require_live(connection, caller).await?;
    if standing.delete_at.is_none() {
        return Ok(Vec::new());
    }
    let version = store::set(connection, user, None, now).await?;
    account::act::changed(connection, user, "deletion_cancelled").await?;
    audit::record(connection, by, Entry::of(audited::ACCOUNT_DELETION_CANCELLED).on(user)).await?;
    let of_user = vec![Revocation::of_user(user, version)];
    Ok(revocation::write(connection, of_user, "deletion cancelled").await?)
}

/// Deletes the account of a job, if that is still what its user wants. Who came to be the last
/// administrator, or to own an organisation with others, is left as they are: the job fails,
/// and shows.
pub(super) async fn carry_out(
    connection: &mut AsyncPgConnection,
    DeleteAccount { user, at }: DeleteAccount,
    now: Timestamp,
) -> Result<Verdict, DeletionError> {
    organization::store::lock_all_of(connection, user).await?;
    let Some(standing) = store::lock(connection, user).await? else { return Ok(Verdict::Void) };
    let verdict = rules::judge(standing.delete_at, at, now);
    if verdict == Verdict::Due {
        user::act::require_another_administrator(connection, user).await?;
        account::act::delete(connection, user).await?;
        let entry = Entry::of(audited::ACCOUNT_DELETED).on(user).in_org(standing.org_id);
        audit::record(connection, &By::wish_of(user), entry).await?;
    }
    Ok(verdict)
}
