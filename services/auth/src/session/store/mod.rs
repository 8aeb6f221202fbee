//! The SQL of sessions.

mod open;
mod rotate;

pub(super) use open::{AtOnce, NewSession, Outcome, open};
pub(super) use rotate::{Rotated, rotate};

use std::time::Duration;

use contract_auth::Session;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    PgExpressionMethods, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, SessionId, Timestamp, UserId};
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::{Mode, RefreshToken, rules::SessionState};
use crate::schema::sessions;

/// Whose session it is, until when, how they proved it, and how it is carried.
#[derive(Clone, Debug, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Owner {
    #[diesel(sql_type = Uuid)]
    pub(crate) user_id: UserId,
    #[diesel(sql_type = Uuid)]
    pub(crate) org_id: OrgId,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) expires_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    pub(crate) authenticated_at: Timestamp,
    #[diesel(sql_type = Array<Text>)]
    pub(crate) methods: Vec<String>,
    #[diesel(sql_type = Bool)]
    pub(crate) cookie: bool,
    /// What its tokens carry as `sver`: it grows when the session moves to another
    /// organisation.
    #[diesel(sql_type = BigInt)]
    pub(crate) version: i64,
}

/// Whose session a cookie stands for, if it is alive; notes the use, once a minute.
pub(crate) async fn visit(
    connection: &mut AsyncPgConnection,
    id: SessionId,
    idle: Duration,
    now: Timestamp,
) -> db::Result<Option<Owner>> {
    let alive = sessions::revoked_at
        .is_null()
        .and(sessions::cookie)
        .and(sessions::expires_at.gt(now))
        .and(sessions::rotated_at.gt(now - idle));
    let found: Option<(Owner, Timestamp)> = sessions::table
        .find(id)
        .filter(alive)
        .select((Owner::as_select(), sessions::rotated_at))
        .first(connection)
        .await
        .optional()?;
    let Some((owner, used_at)) = found else { return Ok(None) };
    if now.since(used_at) >= NOTED {
        diesel::update(sessions::table.find(id))
            .filter(sessions::rotated_at.lt(now))
            .set(sessions::rotated_at.eq(now))
            .execute(connection)
            .await?;
    }
    Ok(Some(owner))
}

/// How often the use of a cookie is written down.
const NOTED: Duration = Duration::from_secs(60);

/// How the client carries this session of `user`.
pub(crate) async fn mode(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
) -> db::Result<Mode> {
    let cookie = sessions::table.find(id).filter(sessions::user_id.eq(user)).select(sessions::cookie);
    let cookie: Option<bool> = cookie.first(connection).await.optional()?;
    Ok(if cookie == Some(true) { Mode::Cookie } else { Mode::Token })
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

/// Ends all sessions that `administrator` has in others' names; whose each was.
pub(super) async fn end_impersonations(
    connection: &mut AsyncPgConnection,
    administrator: UserId,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<(SessionId, UserId, OrgId)>> {
    let ended = diesel::update(sessions::table)
        .filter(sessions::impersonator_id.eq(administrator).and(sessions::revoked_at.is_null()))
        .set((sessions::revoked_at.eq(now), sessions::revoked_why.eq(why)))
        .returning((sessions::id, sessions::user_id, sessions::org_id))
        .get_results(connection)
        .await?;
    Ok(ended)
}

/// Who holds the role and acts in somebody's name.
pub(crate) async fn impersonators(connection: &mut AsyncPgConnection, role: &str) -> db::Result<Vec<UserId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        id: UserId,
    }
    let acting = statement(
        "SELECT DISTINCT r.user_id AS id FROM sessions s JOIN user_roles r ON r.user_id = s.impersonator_id
         WHERE s.impersonator_id IS NOT NULL AND s.revoked_at IS NULL AND r.role = $1",
    );
    let rows: Vec<Row> = acting.bind::<Text, _>(role).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Ends the sessions of `user`, all or all but one; which, and in which organisations.
pub(super) async fn end_all(
    connection: &mut AsyncPgConnection,
    user: UserId,
    but: Option<SessionId>,
    why: &str,
    now: Timestamp,
) -> db::Result<Vec<(SessionId, OrgId)>> {
    let ended = diesel::update(sessions::table)
        .filter(sessions::user_id.eq(user).and(sessions::revoked_at.is_null()))
        .filter(sessions::id.nullable().is_distinct_from(but))
        .set((sessions::revoked_at.eq(now), sessions::revoked_why.eq(why)))
        .returning((sessions::id, sessions::org_id))
        .get_results(connection)
        .await?;
    Ok(ended)
}

/// Moves a session of `user` that is alive to another organisation: its tokens of before
/// have a lower version than it has then.
pub(super) async fn switch(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
    org: OrgId,
) -> db::Result<Option<Owner>> {
    let owner = diesel::update(sessions::table.find(id))
        .filter(sessions::user_id.eq(user).and(sessions::revoked_at.is_null()))
        .set((sessions::org_id.eq(org), sessions::version.eq(sessions::version + 1)))
        .returning(Owner::as_returning())
        .get_result(connection)
        .await
        .optional()?;
    Ok(owner)
}

/// Moves the sessions in an organisation, of one user or of all, to their users' personal
/// ones.
pub(crate) async fn move_home(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: Option<UserId>,
) -> db::Result<()> {
    statement(
        "UPDATE sessions s SET org_id = o.id, version = s.version + 1 FROM organizations o
         WHERE s.org_id = $1 AND ($2 IS NULL OR s.user_id = $2) AND o.personal_of = s.user_id",
    )
    .bind::<Uuid, _>(org)
    .bind::<Nullable<Uuid>, _>(user)
    .execute(connection)
    .await?;
    Ok(())
}

/// When a user last proved who they are in a session, and whether that was enough.
#[derive(QueryableByName)]
pub(super) struct LastProof {
    #[diesel(sql_type = Timestamptz)]
    pub(super) authenticated_at: Timestamp,
    /// Whether the second factor was shown, if there is one.
    #[diesel(sql_type = Bool)]
    pub(super) suffices: bool,
}

/// The last proof of `user` in this session, if it is alive.
pub(super) async fn last_proof(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
) -> db::Result<Option<LastProof>> {
    let proof = statement(
        "SELECT authenticated_at,
                'mfa' = ANY (methods)
                OR NOT EXISTS (SELECT FROM totp_factors f
                               WHERE f.user_id = s.user_id AND f.confirmed_at IS NOT NULL) AS suffices
         FROM sessions s WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
    );
    Ok(proof.bind::<Uuid, _>(id).bind::<Uuid, _>(user).get_result(connection).await.optional()?)
}

/// Notes a fresh proof of `user` in this session, if it is alive; the session as it stands.
pub(crate) async fn confirm(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: SessionId,
    methods: &[&str],
    now: Timestamp,
) -> db::Result<Option<(Owner, RefreshToken)>> {
    let held = sessions::table.find(id).filter(sessions::user_id.eq(user)).select(sessions::methods);
    let Some(held): Option<Vec<String>> = held.for_update().first(connection).await.optional()? else {
        return Ok(None);
    };
    let new = methods.iter().map(|method| (*method).to_owned()).filter(|method| !held.contains(method));
    let methods: Vec<String> = held.iter().cloned().chain(new).collect();
    let confirmed: Option<(Owner, i64, Timestamp)> = diesel::update(sessions::table.find(id))
        .filter(sessions::revoked_at.is_null())
        .set((sessions::authenticated_at.eq(now), sessions::methods.eq(methods)))
        .returning((Owner::as_returning(), sessions::counter, sessions::rotated_at))
        .get_result(connection)
        .await
        .optional()?;
    Ok(confirmed.map(|(owner, counter, issued_at)| (owner, RefreshToken { session: id, counter, issued_at })))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: SessionId,
    device: Option<String>,
    user_agent: Option<String>,
    ip: Option<String>,
    methods: Vec<String>,
    authenticated_at: Timestamp,
    created_at: Timestamp,
    rotated_at: Timestamp,
    expires_at: Timestamp,
    impersonator_id: Option<UserId>,
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
            impersonation: self.impersonator_id.is_some(),
            id: self.id,
            device: self.device,
            user_agent: self.user_agent,
            ip: self.ip,
            methods: self.methods,
            authenticated_at: self.authenticated_at,
            created_at: self.created_at,
            last_used_at: self.rotated_at,
            expires_at: self.expires_at,
        }
    }
}
