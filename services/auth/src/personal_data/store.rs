//! The SQL of what is held about a person. Every query names them; what is about others in
//! the same rows (whom they invited, to whom they gave a leave) is not selected.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{ApiKeyId, ExportId, GrantId, InvitationId, JobId, MailId, OrgId, SessionId, Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;
use service_kit::db::{self, statement};

use crate::schema::{
    api_keys, exports, grants, invitations, memberships, one_time_tokens, resource_permissions,
};

#[derive(QueryableByName, Serialize)]
pub(super) struct Account {
    #[diesel(sql_type = Uuid)]
    id: UserId,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_verified_at: Option<Timestamp>,
    #[diesel(sql_type = Bool)]
    has_password: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    password_changed_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    avatar_url: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    locale: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    time_zone: Option<String>,
    #[diesel(sql_type = Jsonb)]
    metadata: Value,
    #[diesel(sql_type = Jsonb)]
    app_metadata: Value,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    banned_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    banned_why: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delete_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    reregistered_at: Option<Timestamp>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

pub(super) async fn account(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Option<Account>> {
    let account = statement(
        "SELECT id, email, email_verified_at, password_hash IS NOT NULL AS has_password, password_changed_at,
                name, avatar_url, locale, time_zone, metadata, app_metadata,
                ARRAY(SELECT role FROM user_roles WHERE user_id = $1 ORDER BY role) AS roles,
                banned_at, banned_why, delete_at, reregistered_at, created_at, updated_at
         FROM users WHERE id = $1",
    );
    Ok(account.bind::<Uuid, _>(user).get_result(connection).await.optional()?)
}

#[derive(QueryableByName, Serialize)]
pub(super) struct Membership {
    #[diesel(sql_type = Uuid)]
    org_id: OrgId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    slug: Option<String>,
    #[diesel(sql_type = Bool)]
    personal: bool,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    since: Timestamp,
    /// Of the personal one; others' are the organisation's.
    #[diesel(sql_type = Nullable<Jsonb>)]
    metadata: Option<Value>,
}

pub(super) async fn organizations(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<Membership>> {
    let organizations = statement(
        "SELECT o.id AS org_id, o.name, o.slug, o.personal_of IS NOT NULL AS personal, m.role,
                m.created_at AS since, CASE WHEN o.personal_of = $1 THEN o.metadata END AS metadata
         FROM memberships m JOIN organizations o ON o.id = m.org_id WHERE m.user_id = $1 ORDER BY o.id",
    );
    Ok(organizations.bind::<Uuid, _>(user).load(connection).await?)
}

/// Without the address: it is somebody else's.
#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
pub(super) struct SentInvitation {
    id: InvitationId,
    org_id: OrgId,
    role: String,
    sent_at: Timestamp,
    expires_at: Timestamp,
    created_at: Timestamp,
}

pub(super) async fn invitations_sent(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<SentInvitation>> {
    use invitations as i;
    // By the organisations first: that is what the index begins with.
    let theirs = memberships::table.filter(memberships::user_id.eq(user)).select(memberships::org_id);
    let sent = i::table.filter(i::org_id.eq_any(theirs)).filter(i::invited_by.eq(user)).order(i::id);
    Ok(sent.select(SentInvitation::as_select()).load(connection).await?)
}

#[derive(QueryableByName, Serialize)]
pub(super) struct ReceivedInvitation {
    #[diesel(sql_type = Uuid)]
    id: InvitationId,
    #[diesel(sql_type = Uuid)]
    org_id: OrgId,
    #[diesel(sql_type = Text)]
    organization_name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    sent_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
}

/// Those to the user's address, if they have shown that it is theirs.
pub(super) async fn invitations_received(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<ReceivedInvitation>> {
    let received = statement(
        "SELECT i.id, i.org_id, o.name AS organization_name, i.role, i.sent_at, i.expires_at
         FROM users u JOIN invitations i ON i.email = u.email JOIN organizations o ON o.id = i.org_id
         WHERE u.id = $1 AND u.email_verified_at IS NOT NULL ORDER BY i.id",
    );
    Ok(received.bind::<Uuid, _>(user).load(connection).await?)
}

#[derive(QueryableByName, Serialize)]
pub(super) struct Session {
    #[diesel(sql_type = Uuid)]
    id: SessionId,
    #[diesel(sql_type = Uuid)]
    org_id: OrgId,
    /// An administrator's, in the user's name: their device is theirs and was never kept.
    #[diesel(sql_type = Bool)]
    impersonation: bool,
    #[diesel(sql_type = Nullable<Text>)]
    device: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_agent: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    ip: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    network: Option<String>,
    #[diesel(sql_type = Bool)]
    cookie: bool,
    #[diesel(sql_type = Array<Text>)]
    methods: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    authenticated_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    last_used_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    expires_at: Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    ended_why: Option<String>,
}

pub(super) async fn sessions(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<Session>> {
    let sessions = statement(
        "SELECT id, org_id, impersonator_id IS NOT NULL AS impersonation, device, user_agent, ip, network, cookie,
                methods, authenticated_at, created_at, rotated_at AS last_used_at, expires_at,
                revoked_at AS ended_at, revoked_why AS ended_why
         FROM sessions WHERE user_id = $1 ORDER BY id",
    );
    Ok(sessions.bind::<Uuid, _>(user).load(connection).await?)
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
pub(super) struct ApiKey {
    id: ApiKeyId,
    org_id: OrgId,
    name: String,
    prefix: String,
    #[diesel(select_expression = api_keys::scopes)]
    scopes: Vec<String>,
    rate_limit: Option<i32>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    rotated_at: Option<Timestamp>,
    old_secret_until: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

pub(super) async fn api_keys(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<ApiKey>> {
    let keys = api_keys::table.filter(api_keys::user_id.eq(user)).order(api_keys::id);
    Ok(keys.select(ApiKey::as_select()).load(connection).await?)
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = grants, check_for_backend(diesel::pg::Pg))]
pub(super) struct Grant {
    id: GrantId,
    org_id: OrgId,
    service: String,
    reference: String,
    description: String,
    actor: Option<String>,
    #[diesel(select_expression = grants::scopes)]
    scopes: Vec<String>,
    api_key_id: Option<ApiKeyId>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    expires_at: Timestamp,
}

pub(super) async fn grants(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<Grant>> {
    let grants = grants::table.filter(grants::user_id.eq(user)).order(grants::id);
    Ok(grants.select(Grant::as_select()).load(connection).await?)
}

#[derive(QueryableByName, Serialize)]
pub(super) struct SecondFactor {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    enabled_at: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    enrolled_at: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    recovery_codes_left: i64,
}

pub(super) async fn second_factor(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<SecondFactor> {
    let factor = statement(
        "SELECT (SELECT confirmed_at FROM totp_factors WHERE user_id = $1) AS enabled_at,
                (SELECT created_at FROM totp_factors WHERE user_id = $1) AS enrolled_at,
                (SELECT count(*) FROM recovery_codes WHERE user_id = $1) AS recovery_codes_left",
    );
    Ok(factor.bind::<Uuid, _>(user).get_result(connection).await?)
}

#[derive(QueryableByName, Serialize)]
pub(super) struct Mail {
    #[diesel(sql_type = Uuid)]
    id: MailId,
    #[diesel(sql_type = Text)]
    kind: String,
    /// If it is the account's address: another one may be somebody else's.
    #[diesel(sql_type = Nullable<Text>)]
    recipient: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

pub(super) async fn mails(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<Mail>> {
    let mails = statement(
        "SELECT m.id, m.kind, CASE WHEN m.recipient = u.email THEN m.recipient END AS recipient, m.created_at
         FROM mails m JOIN users u ON u.id = m.user_id WHERE m.user_id = $1 ORDER BY m.id",
    );
    Ok(mails.bind::<Uuid, _>(user).load(connection).await?)
}

/// Without what it is good for: that may be an address which is somebody else's.
#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = one_time_tokens, check_for_backend(diesel::pg::Pg))]
pub(super) struct Proof {
    purpose: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

pub(super) async fn proofs_pending(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<Proof>> {
    let pending = one_time_tokens::table.filter(one_time_tokens::user_id.eq(user));
    Ok(pending.order(one_time_tokens::id).select(Proof::as_select()).load(connection).await?)
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = resource_permissions, check_for_backend(diesel::pg::Pg))]
pub(super) struct ResourcePermission {
    org_id: OrgId,
    resource: String,
    level: String,
    updated_at: Timestamp,
}

pub(super) async fn resource_permissions(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<ResourcePermission>> {
    use resource_permissions as r;
    let places = memberships::table.filter(memberships::user_id.eq(user)).select(memberships::org_id);
    let theirs = r::table.filter(r::org_id.eq_any(places)).filter(r::user_id.eq(user));
    let theirs = theirs.order((r::org_id, r::resource));
    Ok(theirs.select(ResourcePermission::as_select()).load(connection).await?)
}

/// Those that they gave, without to whom.
pub(super) async fn resource_permissions_given(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<ResourcePermission>> {
    use resource_permissions as r;
    let given = r::table.filter(r::granted_by.eq(user)).order((r::org_id, r::resource));
    Ok(given.select(ResourcePermission::as_select()).load(connection).await?)
}

#[derive(Queryable, Selectable, Serialize)]
#[diesel(table_name = exports, check_for_backend(diesel::pg::Pg))]
pub(super) struct Export {
    id: ExportId,
    job_id: JobId,
    created_at: Timestamp,
    ready_at: Option<Timestamp>,
    size: Option<i64>,
    expires_at: Timestamp,
    withdrawn_at: Option<Timestamp>,
}

pub(super) async fn exports(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<Export>> {
    let exports = exports::table.filter(exports::user_id.eq(user)).order(exports::id);
    Ok(exports.select(Export::as_select()).load(connection).await?)
}
