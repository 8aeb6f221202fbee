//! The SQL of sessions.

use std::{sync::LazyLock, time::Duration};

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

use super::{Device, Mode, RefreshToken, rules::SessionState};
use crate::{
    rights::{LEAVING, Rights, store::RIGHTS},
    schema::sessions,
};

/// A session that begins.
pub(super) struct NewSession<'a> {
    pub(super) id: SessionId,
    pub(super) owner: Owner,
    pub(super) device: &'a Device,
    pub(super) now: Timestamp,
    /// Whether it begins only if the user has no second factor.
    pub(super) unless_guarded: bool,
}

/// What became of a session that was to begin.
#[derive(QueryableByName)]
pub(super) struct Inserted {
    #[diesel(sql_type = Bool)]
    pub(super) opened: bool,
    /// The address of the user, if they have had sessions, but none on such a device in
    /// such a network.
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) unseen_by: Option<String>,
}

/// Inserts it and looks at those before it, in one statement: so a second factor costs a
/// login without one nothing.
pub(super) async fn insert(connection: &mut AsyncPgConnection, new: &NewSession<'_>) -> db::Result<Inserted> {
    let NewSession { id, owner, device, now, unless_guarded } = new;
    let inserted = statement(
        "WITH opened AS (
             INSERT INTO sessions (id, user_id, org_id, counter, rotated_at, user_agent, ip, device, network,
                                   cookie, authenticated_at, methods, created_at, expires_at)
             SELECT $1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $13, $10, $4, $11
             WHERE NOT ($12 AND EXISTS (SELECT FROM totp_factors
                                        WHERE user_id = $2 AND confirmed_at IS NOT NULL))
             RETURNING 1
         )
         SELECT EXISTS (SELECT FROM opened) AS opened,
                (SELECT email FROM users WHERE id = $2
                     AND EXISTS (SELECT FROM sessions WHERE user_id = $2 AND impersonator_id IS NULL)
                     AND NOT EXISTS (SELECT FROM sessions
                                     WHERE user_id = $2 AND impersonator_id IS NULL
                                       AND coalesce(device, '') = coalesce($7, '')
                                       AND coalesce(network, '') = coalesce($8, ''))) AS unseen_by",
    )
    .bind::<Uuid, _>(id)
    .bind::<Uuid, _>(owner.user_id)
    .bind::<Uuid, _>(owner.org_id)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Text>, _>(device.user_agent.as_deref())
    .bind::<Nullable<Text>, _>(device.origin.ip.map(|ip| ip.to_string()))
    .bind::<Nullable<Text>, _>(device.name())
    .bind::<Nullable<Text>, _>(device.network())
    .bind::<Bool, _>(owner.cookie)
    .bind::<Array<Text>, _>(&owner.methods)
    .bind::<Timestamptz, _>(owner.expires_at)
    .bind::<Bool, _>(unless_guarded)
    .bind::<Timestamptz, _>(owner.authenticated_at);
    Ok(inserted.get_result(connection).await?)
}

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

/// A session that was moved on, and what its user may do as of then.
#[derive(QueryableByName)]
pub(super) struct Rotated {
    #[diesel(embed)]
    pub(super) owner: Owner,
    #[diesel(embed)]
    pub(super) rights: Rights,
}

/// Moves the session on from exactly this token, if it is the current one and the
/// session is alive: of many at once, one does. In one statement with what comes next, for
/// this is what clients ask for most; who is no member any more has moved on, too, and gets
/// none.
pub(super) async fn rotate(
    connection: &mut AsyncPgConnection,
    token: &RefreshToken,
    idle: Duration,
    now: Timestamp,
) -> db::Result<Option<Rotated>> {
    static ROTATE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH owner AS (
                 UPDATE sessions SET counter = $2 + 1, rotated_at = $5
                 WHERE id = $1 AND counter = $2 AND rotated_at = $4 AND NOT cookie
                   AND revoked_at IS NULL AND expires_at > $5 AND rotated_at > $6
                 RETURNING user_id, org_id, expires_at, authenticated_at, methods, cookie, version
             )
             SELECT owner.*, {RIGHTS} FROM owner
             JOIN users u ON u.id = owner.user_id
             JOIN memberships m ON m.user_id = u.id AND m.org_id = owner.org_id"
        )
    });
    let rotated = statement(ROTATE.as_str())
        .bind::<Uuid, _>(token.session)
        .bind::<BigInt, _>(token.counter)
        .bind::<Array<Text>, _>(&LEAVING[..])
        .bind::<Timestamptz, _>(token.issued_at)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - idle);
    Ok(rotated.get_result(connection).await.optional()?)
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
