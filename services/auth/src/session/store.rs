//! The SQL of sessions.

use std::time::Duration;

use contract_auth::Session;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, insert_into,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, SessionId, Timestamp, UserId};
use service_kit::{db, page::Page};

use super::{RefreshToken, rules::SessionState};
use crate::schema::sessions;

/// A session that begins.
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    pub(crate) org: OrgId,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(super) async fn insert(connection: &mut AsyncPgConnection, new: &NewSession) -> db::Result<()> {
    insert_into(sessions::table)
        .values((
            sessions::id.eq(new.id),
            sessions::user_id.eq(new.user),
            sessions::org_id.eq(new.org),
            sessions::counter.eq(0),
            sessions::rotated_at.eq(new.now),
            sessions::user_agent.eq(new.user_agent.as_deref()),
            sessions::ip.eq(new.ip.as_deref()),
            sessions::created_at.eq(new.now),
            sessions::expires_at.eq(new.expires_at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whose session it is, and until when.
#[derive(Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Owner {
    pub(crate) user_id: UserId,
    pub(crate) org_id: OrgId,
    pub(crate) expires_at: Timestamp,
}

/// Moves the session on from exactly this token, if it is the current one and the
/// session is alive: of many at once, one does.
pub(super) async fn rotate(
    connection: &mut AsyncPgConnection,
    token: &RefreshToken,
    idle: Duration,
    now: Timestamp,
) -> db::Result<Option<Owner>> {
    let alive = sessions::revoked_at
        .is_null()
        .and(sessions::expires_at.gt(now))
        .and(sessions::rotated_at.gt(now - idle))
        .and(sessions::counter.eq(token.counter))
        .and(sessions::rotated_at.eq(token.issued_at));
    let owner = diesel::update(sessions::table.find(token.session))
        .filter(alive)
        .set((sessions::counter.eq(token.counter + 1), sessions::rotated_at.eq(now)))
        .returning(Owner::as_returning())
        .get_result(connection)
        .await
        .optional()?;
    Ok(owner)
}

/// The session as it stands.
pub(super) async fn state(
    connection: &mut AsyncPgConnection,
    id: SessionId,
) -> db::Result<Option<(Owner, SessionState)>> {
    let row: Option<(Owner, i64, Timestamp, Option<Timestamp>)> = sessions::table
        .find(id)
        .select((Owner::as_select(), sessions::counter, sessions::rotated_at, sessions::revoked_at))
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(|(owner, counter, rotated_at, revoked_at)| {
        let expires_at = owner.expires_at;
        (owner, SessionState { counter, rotated_at, expires_at, revoked: revoked_at.is_some() })
    }))
}

/// Ends a session of `user`; in which organisation it was, if there was one to end.
pub(super) async fn end(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
    why: &str,
    now: Timestamp,
) -> db::Result<Option<OrgId>> {
    let org = diesel::update(sessions::table.find(id))
        .filter(sessions::user_id.eq(user).and(sessions::revoked_at.is_null()))
        .set((sessions::revoked_at.eq(now), sessions::revoked_why.eq(why)))
        .returning(sessions::org_id)
        .get_result(connection)
        .await
        .optional()?;
    Ok(org)
}

/// Ends all sessions of `user`; which, and in which organisations.
pub(super) async fn end_all(
    connection: &mut AsyncPgConnection,
    user: UserId,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<(SessionId, OrgId)>> {
    let ended = diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user).and(sessions::revoked_at.is_null()))
        .set((sessions::revoked_at.eq(now), sessions::revoked_why.eq(why)))
        .returning((sessions::id, sessions::org_id))
        .get_results(connection)
        .await?;
    Ok(ended)
}

/// When the login of this session of `user` was.
pub(crate) async fn logged_in_at(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
) -> db::Result<Option<Timestamp>> {
    let at = sessions::table
        .find(id)
        .filter(sessions::user_id.eq(user))
        .select(sessions::created_at)
        .first(connection)
        .await
        .optional()?;
    Ok(at)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: SessionId,
    user_agent: Option<String>,
    ip: Option<String>,
    created_at: Timestamp,
    rotated_at: Timestamp,
    expires_at: Timestamp,
}

/// A page of the sessions of `user` that are alive, the latest login first.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    user: UserId,
    current: Option<SessionId>,
    page: Page,
    idle: Duration,
    now: Timestamp,
) -> db::Result<Vec<Session>> {
    let mut query = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::expires_at.gt(now).and(sessions::rotated_at.gt(now - idle)))
        .order(sessions::id.desc())
        .limit(page.rows())
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = page.after {
        query = query.filter(sessions::id.lt(after));
    }
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(|row| row.shown(current)).collect())
}

impl Row {
    fn shown(self, current: Option<SessionId>) -> Session {
        Session {
            current: current == Some(self.id),
            id: self.id,
            user_agent: self.user_agent,
            ip: self.ip,
            created_at: self.created_at,
            last_used_at: self.rotated_at,
            expires_at: self.expires_at,
        }
    }
}
