//! What happens to roles, whole: the rows, and what becomes void. Each belongs in one
//! transaction; who did it, the caller records.

use contract_auth::Role;
use diesel_async::AsyncPgConnection;
use identity::Revocation;
use ids::Timestamp;
use service_kit::db;

use super::{
    RoleError,
    rules::{self, Accepted, MOST},
    store,
};
use crate::{
    rights::{self, Whose},
    session,
};

/// Makes the role, or says what it permits from now on: if that is not what it was, the
/// tokens of all who hold it are void, those in others' names too.
pub(super) async fn define(
    connection: &mut AsyncPgConnection,
    name: &str,
    role: Accepted,
    now: Timestamp,
) -> Result<(Role, Vec<Revocation>), RoleError> {
    let unknown = store::unknown_scopes(connection, &role.scopes).await?;
    if !unknown.is_empty() {
        return Err(rules::unknown_scopes(&unknown));
    }
    rights::store::hold_permitted(connection).await?;
    // Before the role, as by whoever gives it to them: somebody who holds it already may come to
    // hold it once more, in another organisation.
    rights::store::hold_holders(connection, name).await?;
    let built_in = store::put(connection, name, &role).await?;
    if store::count(connection).await? > MOST {
        return Err(RoleError::TooMany(MOST));
    }
    let voided = match store::permit(connection, name, &role.scopes).await? {
        true => outdate(connection, name, now).await?,
        false => Vec::new(),
    };
    let Accepted { kind, description, scopes } = role;
    let scopes = scopes.into_iter().collect();
    Ok((Role { name: name.to_owned(), kind, description, scopes, built_in }, voided))
}

/// Voids the tokens of all who hold the role, and ends what they do in others' names.
async fn outdate(
    connection: &mut AsyncPgConnection,
    name: &str,
    now: Timestamp,
) -> db::Result<Vec<Revocation>> {
    let why = "change of a role";
    let mut voided = rights::store::outdate(connection, Whose::Holders(name), why).await?;
    for administrator in session::store::impersonators(connection, name).await? {
        voided.extend(session::act::end_impersonations(connection, administrator, why, now).await?);
    }
    Ok(voided)
}
