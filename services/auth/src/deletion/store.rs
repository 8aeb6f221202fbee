//! The SQL of accounts that are about to go.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use service_kit::db::{self, statement};

use crate::schema::users;

/// How an account stands.
#[derive(QueryableByName)]
pub(super) struct Standing {
    #[diesel(sql_type = Text)]
    pub(super) email: String,
    /// The user's personal organisation.
    #[diesel(sql_type = Uuid)]
    pub(super) org_id: OrgId,
    /// When it goes, if its deletion waits.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) delete_at: Option<Timestamp>,
}

/// How the account stands; until the transaction ends nobody else changes it, and no session
/// or membership of its user begins.
pub(super) async fn lock(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Standing>> {
    let standing = statement(
        "SELECT u.email, o.id AS org_id, u.delete_at
         FROM users u JOIN organizations o ON o.personal_of = u.id WHERE u.id = $1 FOR UPDATE OF u",
    );
    Ok(standing.bind::<Uuid, _>(user).get_result(connection).await.optional()?)
}

/// Notes when the account goes, or that it stays; gives the next version of the user's rights.
pub(super) async fn set(
    connection: &mut AsyncPgConnection,
    user: UserId,
    delete_at: Option<Timestamp>,
    now: Timestamp,
) -> db::Result<i64> {
    let version = diesel::update(users::table.find(user))
        .set((
            users::delete_at.eq(delete_at),
            users::version.eq(users::version + 1),
            users::updated_at.eq(now),
        ))
        .returning(users::version)
        .get_result(connection)
        .await?;
    Ok(version)
}
