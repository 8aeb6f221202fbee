//! What happens to grants, whole. Each belongs in one transaction.

use audit::{By, Entry};
use contract_auth::{HeldGrant, audited, events::GrantRevoked};
use diesel_async::AsyncPgConnection;
use events::publish;
use identity::{Principal, Revocation};
use ids::{GrantId, Timestamp};
use service_discovery::Service;
use service_kit::db;

use super::{
    GrantError,
    rules::{self, Accepted},
    store::{self, Ended},
};
use crate::{
    revocation,
    rights::{self, RightsError},
};

/// Makes the grant for `holder`, or gives the one that it has for the same already.
pub(super) async fn give(
    connection: &mut AsyncPgConnection,
    by: &By,
    giver: &Principal,
    holder: Service,
    accepted: &Accepted,
    now: Timestamp,
) -> Result<HeldGrant, GrantError> {
    rights::store::hold_live(connection, giver).await?;
    if let Some(key) = accepted.api_key {
        store::hold_api_key(connection, giver.user, key).await?.ok_or(RightsError::Ended)?;
    }
    if store::count(connection, giver.user, now).await? >= rules::MOST {
        return Err(GrantError::TooMany(rules::MOST));
    }
    store::clear_expired(connection, giver, holder, &accepted.reference, now).await?;
    if let Some(made) = store::insert(connection, giver, holder, accepted, now).await? {
        let entry = Entry::of(audited::GRANT_CREATED).on(made.id).with("service", holder.name());
        let entry = entry.with("scopes", made.scopes.clone()).with("reference", accepted.reference.clone());
        audit::record(connection, by, entry).await?;
        return Ok(made);
    }
    let held = store::find_held(connection, giver, holder, &accepted.reference).await?;
    held.filter(|held| held.scopes == accepted.scopes && held.expires_at > now).ok_or(GrantError::Taken)
}

/// Ends a grant that was deleted: its tokens are void, and who held it is told.
pub(super) async fn end(
    connection: &mut AsyncPgConnection,
    by: &By,
    id: GrantId,
    ended: Ended,
) -> db::Result<Vec<Revocation>> {
    let Ended { user_id, org_id, service, reference } = ended;
    let entry = Entry::of(audited::GRANT_REVOKED).on(id).with("service", service.clone());
    audit::record(connection, by, entry.with("reference", reference.clone())).await?;
    publish(connection, &GrantRevoked { grant_id: id, user_id, org_id, service, reference }).await?;
    revocation::write(connection, vec![Revocation::of_grant(id)], "grant revoked").await
}
