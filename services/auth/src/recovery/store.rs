//! The SQL of recoveries.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Timestamp, UserId};
use service_kit::db;

use crate::schema::users;

/// Sets the password, whatever it was; gives the next version of the user's rights.
pub(super) async fn set_password(
    connection: &mut AsyncPgConnection,
    user: UserId,
    hash: &str,
    now: Timestamp,
) -> db::Result<i64> {
    let version = diesel::update(users::table.find(user))
        .set((
            users::password_hash.eq(hash),
            users::password_changed_at.eq(now),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(users::version)
        .get_result(connection)
        .await?;
    Ok(version)
}
