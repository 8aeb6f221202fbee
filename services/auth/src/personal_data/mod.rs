//! What auth holds about a person: its part of what they may take along. The other services
//! tell theirs on an internal route.

mod store;

use audit::AuditEntry;
use diesel_async::AsyncPgConnection;
use ids::UserId;
use serde::Serialize;
use service_discovery::Service;
use service_kit::db;

/// All of it, by sections. No secret is in it, not even as a hash, and nothing about others.
/// A table that is about people is in a section here, or a test says why it is not.
#[derive(Serialize)]
pub(crate) struct Held {
    account: store::Account,
    organizations: Vec<store::Membership>,
    invitations_sent: Vec<store::SentInvitation>,
    invitations_received: Vec<store::ReceivedInvitation>,
    sessions: Vec<store::Session>,
    api_keys: Vec<store::ApiKey>,
    grants: Vec<store::Grant>,
    second_factor: store::SecondFactor,
    mails: Vec<store::Mail>,
    proofs_pending: Vec<store::Proof>,
    resource_permissions: Vec<store::ResourcePermission>,
    resource_permissions_given: Vec<store::ResourcePermission>,
    exports: Vec<store::Export>,
    audit_log: Vec<AuditEntry>,
}

/// What is held about `user` as of now; `None` when there is no such user.
pub(crate) async fn of(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Held>> {
    let Some(account) = store::account(connection, user).await? else { return Ok(None) };
    Ok(Some(Held {
        account,
        organizations: store::organizations(connection, user).await?,
        invitations_sent: store::invitations_sent(connection, user).await?,
        invitations_received: store::invitations_received(connection, user).await?,
        sessions: store::sessions(connection, user).await?,
        api_keys: store::api_keys(connection, user).await?,
        grants: store::grants(connection, user).await?,
        second_factor: store::second_factor(connection, user).await?,
        mails: store::mails(connection, user).await?,
        proofs_pending: store::proofs_pending(connection, user).await?,
        resource_permissions: store::resource_permissions(connection, user).await?,
        resource_permissions_given: store::resource_permissions_given(connection, user).await?,
        exports: store::exports(connection, user).await?,
        audit_log: audit::by_person(connection, Service::Auth, user).await?,
    }))
}
