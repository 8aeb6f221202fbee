//! The SQL of who holds a mailbox.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Bool, Text, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use service_kit::db::{self, statement};

use crate::schema::users;

/// Whose address it is.
#[derive(QueryableByName)]
pub(crate) struct Holder {
    #[diesel(sql_type = Uuid)]
    pub(crate) id: UserId,
    #[diesel(sql_type = Text)]
    pub(crate) email: String,
    #[diesel(sql_type = Bool)]
    pub(crate) verified: bool,
    #[diesel(sql_type = Bool)]
    pub(crate) banned: bool,
    /// Their personal organisation.
    #[diesel(sql_type = Uuid)]
    pub(crate) org_id: OrgId,
}

/// The user; until the transaction ends nobody else changes them. Sessions may begin.
pub(crate) async fn lock(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Holder>> {
    let holder = statement(
        "SELECT u.id, u.email, u.email_verified_at IS NOT NULL AS verified, u.banned_at IS NOT NULL AS banned,
                (SELECT o.id FROM organizations o WHERE o.personal_of = u.id) AS org_id
         FROM users u WHERE u.id = $1 FOR NO KEY UPDATE",
    );
    Ok(holder.bind::<Uuid, _>(user).get_result(connection).await.optional()?)
}

/// Forgets the password: nobody logs in by it, nor finishes a login that has begun.
pub(super) async fn forget_password(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> db::Result<()> {
    diesel::update(users::table.find(user))
        .set((
            users::password_hash.eq(None::<&str>),
            users::password_changed_at.eq(now),
            users::updated_at.eq(now),
        ))
        .execute(connection)
        .await?;
    Ok(())
}
