//! The SQL of changes of address.

use diesel::{
    ExpressionMethods, QueryDsl,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Timestamp, UserId};
use service_kit::db;

use crate::schema::users;

/// Gives the user this address, which they have shown to be theirs; gives the next version of
/// their rights. `None`: somebody else has it, and the transaction is to be rolled back.
pub(super) async fn set_email(
    connection: &mut AsyncPgConnection,
    user: UserId,
    email: &str,
    now: Timestamp,
) -> db::Result<Option<i64>> {
    let changed = diesel::update(users::table.find(user))
        .set((
            users::email.eq(email),
            users::email_verified_at.eq(now),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(users::version)
        .get_result(connection)
        .await;
    match changed {
        Ok(version) => Ok(Some(version)),
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
