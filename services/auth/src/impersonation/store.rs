//! The SQL of impersonation.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, TextExpressionMethods,
    dsl, insert_into,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, SessionId, Timestamp, UserId};
use service_kit::db;

use crate::schema::{role_permissions, sessions, user_roles};

/// Whether a role of the user's lets them administer anything, verified or not.
pub(super) async fn administers(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<bool> {
    let found = user_roles::table
        .inner_join(role_permissions::table.on(role_permissions::role.eq(user_roles::role)))
        .filter(user_roles::user_id.eq(user).and(role_permissions::scope.like("%:admin")));
    Ok(dsl::select(dsl::exists(found)).get_result(connection).await?)
}

/// A session of `user` that `administrator` has. What is known of the administrator's
/// device is not for the user's eyes.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    (org, user): (OrgId, UserId),
    administrator: UserId,
    ends_at: Timestamp,
    now: Timestamp,
) -> db::Result<SessionId> {
    let id = SessionId::generate();
    insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::user_id.eq(user),
            sessions::org_id.eq(org),
            sessions::impersonator_id.eq(administrator),
            sessions::counter.eq(0),
            sessions::rotated_at.eq(now),
            sessions::cookie.eq(false),
            sessions::authenticated_at.eq(now),
            sessions::methods.eq(Vec::<String>::new()),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(ends_at),
        ))
        .execute(connection)
        .await?;
    Ok(id)
}

/// Until when the session lasts that `administrator` has in the name of `user`, while it
/// does.
pub(super) async fn ends_at(
    connection: &mut AsyncPgConnection,
    user: UserId,
    administrator: UserId,
    session: SessionId,
    now: Timestamp,
) -> db::Result<Option<Timestamp>> {
    let ends_at = sessions::table
        .find(session)
        .filter(sessions::user_id.eq(user).and(sessions::impersonator_id.eq(administrator)))
        .filter(sessions::revoked_at.is_null().and(sessions::expires_at.gt(now)))
        .select(sessions::expires_at);
    Ok(ends_at.first(connection).await.optional()?)
}
