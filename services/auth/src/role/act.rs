//! What happens to roles, whole: the rows, and what becomes void. Each belongs in one
//! transaction; who did it, the caller records.

use contract_auth::Role;
use diesel_async::AsyncPgConnection;
use identity::Revocation;

use super::{
    RoleError,
    rules::{self, Accepted, MOST},
    store,
};
use crate::rights::{self, Whose};

/// Makes the role, or says what it permits from now on: if that is not what it was, the
/// tokens of all who hold it are void.
pub(super) async fn define(
    connection: &mut AsyncPgConnection,
    name: &str,
    role: Accepted,
) -> Result<(Role, Vec<Revocation>), RoleError> {
    let unknown = store::unknown_scopes(connection, &role.scopes).await?;
    if !unknown.is_empty() {
        return Err(rules::unknown_scopes(&unknown));
    }
    let built_in = store::put(connection, name, &role).await?;
    if store::count(connection).await? > MOST {
        return Err(RoleError::TooMany(MOST));
    }
    let voided = match store::permit(connection, name, &role.scopes).await? {
        true => rights::store::outdate(connection, Whose::Holders(name), "change of a role").await?,
        false => Vec::new(),
    };
    let Accepted { kind, description, scopes } = role;
    let scopes = scopes.into_iter().collect();
    Ok((Role { name: name.to_owned(), kind, description, scopes, built_in }, voided))
}
