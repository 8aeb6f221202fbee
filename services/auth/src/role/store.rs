//! The SQL of roles and permissions.

use std::collections::BTreeSet;

use contract_auth::{PermissionInfo, Role, RoleKind};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, delete,
    insert_into,
    result::{DatabaseErrorKind, Error::DatabaseError},
    sql_types::{Array, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use service_kit::db::{self, statement};

use super::{RoleError, rules::Accepted};
use crate::schema::{permissions, role_permissions, roles};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    description: String,
    #[diesel(sql_type = Bool)]
    built_in: bool,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
}

impl From<Row> for Role {
    fn from(Row { name, kind, description, built_in, scopes }: Row) -> Self {
        let platform = kind == RoleKind::Platform.name();
        let kind = if platform { RoleKind::Platform } else { RoleKind::Organization };
        Self { name, kind, description, scopes, built_in }
    }
}

/// Every role, in the order of their names.
pub(super) async fn list(connection: &mut AsyncPgConnection) -> db::Result<Vec<Role>> {
    let rows = statement(
        "SELECT r.name, r.kind, r.description, r.built_in,
                ARRAY(SELECT scope FROM role_permissions p WHERE p.role = r.name ORDER BY scope) AS scopes
         FROM roles r ORDER BY r.name COLLATE \"C\"",
    );
    let rows: Vec<Row> = rows.load(connection).await?;
    Ok(rows.into_iter().map(Role::from).collect())
}

/// Every scope, in alphabetical order.
pub(super) async fn permissions(connection: &mut AsyncPgConnection) -> db::Result<Vec<PermissionInfo>> {
    let rows: Vec<(String, String, bool)> = permissions::table
        .order(permissions::scope)
        .select((permissions::scope, permissions::description, permissions::sensitive))
        .load(connection)
        .await?;
    let shown = |(scope, description, sensitive)| PermissionInfo { scope, description, sensitive };
    Ok(rows.into_iter().map(shown).collect())
}

pub(super) async fn count(connection: &mut AsyncPgConnection) -> db::Result<i64> {
    Ok(roles::table.count().get_result(connection).await?)
}

/// Those that are no scopes.
pub(super) async fn unknown_scopes(
    connection: &mut AsyncPgConnection,
    wanted: &BTreeSet<String>,
) -> db::Result<Vec<String>> {
    let known = permissions::table.filter(permissions::scope.eq_any(wanted)).select(permissions::scope);
    let known: Vec<String> = known.load(connection).await?;
    Ok(wanted.iter().filter(|scope| !known.contains(scope)).cloned().collect())
}

/// Makes the role or describes it anew, and holds it: until the transaction ends nobody is
/// given it. Whether Plinth owns it.
pub(super) async fn put(connection: &mut AsyncPgConnection, name: &str, role: &Accepted) -> db::Result<bool> {
    insert_into(roles::table)
        .values((
            roles::name.eq(name),
            roles::kind.eq(role.kind.name()),
            roles::description.eq(&role.description),
        ))
        .on_conflict(roles::name)
        .do_update()
        .set(roles::description.eq(&role.description))
        .execute(connection)
        .await?;
    Ok(roles::table.find(name).select(roles::built_in).for_update().first(connection).await?)
}

/// Gives a role that is held exactly these scopes; whether that changes anything.
pub(super) async fn permit(
    connection: &mut AsyncPgConnection,
    name: &str,
    scopes: &BTreeSet<String>,
) -> db::Result<bool> {
    let lost = delete(role_permissions::table)
        .filter(role_permissions::role.eq(name).and(role_permissions::scope.ne_all(scopes)))
        .execute(connection)
        .await?;
    let row = |scope| (role_permissions::role.eq(name), role_permissions::scope.eq(scope));
    let won = insert_into(role_permissions::table)
        .values(scopes.iter().map(row).collect::<Vec<_>>())
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(lost + won > 0)
}

/// Deletes a role that nobody holds and that is not Plinth's own: foreign keys decide.
pub(super) async fn remove(connection: &mut AsyncPgConnection, name: &str) -> Result<(), RoleError> {
    let custom = roles::table.find(name).filter(roles::built_in.eq(false));
    match delete(custom).execute(connection).await {
        Ok(0) => {}
        Ok(_) => return Ok(()),
        Err(DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => return Err(RoleError::Held),
        Err(other) => return Err(db::Error::from(other).into()),
    }
    let there = roles::table.find(name).select(roles::name).first::<String>(connection).await;
    let there = there.optional().map_err(db::Error::from)?;
    Err(there.map_or(RoleError::Unknown, |_built_in| RoleError::BuiltIn))
}
