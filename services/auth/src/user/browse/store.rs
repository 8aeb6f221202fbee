//! The SQL that finds users.

use contract_auth::{User, UserDetails, UserOrganization, UserQuery};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    Selectable, SelectableHelper, TextExpressionMethods, dsl,
    expression::SqlLiteral,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::{Map, Value};
use service_kit::{
    db::{self, statement},
    page::Page,
};

use crate::schema::{user_roles, users};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: UserId,
    email: String,
    email_verified_at: Option<Timestamp>,
    name: Option<String>,
    banned_at: Option<Timestamp>,
    banned_why: Option<String>,
    delete_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn shown(self, roles: Vec<String>) -> User {
        User {
            id: self.id,
            email: self.email,
            email_verified: self.email_verified_at.is_some(),
            name: self.name,
            roles,
            banned_at: self.banned_at,
            ban_reason: self.banned_why,
            delete_at: self.delete_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// A user's roles, in the statement that reads the user.
fn roles() -> SqlLiteral<Array<Text>> {
    dsl::sql("ARRAY(SELECT r.role FROM user_roles r WHERE r.user_id = users.id ORDER BY r.role)")
}

/// A page of the users that are wanted, the latest first, in one statement.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    wanted: &UserQuery,
    page: Page,
) -> db::Result<Vec<User>> {
    let mut query = users::table
        .select((Row::as_select(), roles()))
        .order(users::id.desc())
        .limit(page.rows())
        .into_boxed();
    if let Some(beginning) = &wanted.email {
        let beginning = beginning.trim().to_lowercase();
        query = query.filter(users::email.like(format!("{}%", escaped(&beginning))));
    }
    if let Some(role) = &wanted.role {
        let held = user_roles::table.filter(user_roles::user_id.eq(users::id).and(user_roles::role.eq(role)));
        query = query.filter(dsl::exists(held));
    }
    query = match wanted.banned {
        Some(true) => query.filter(users::banned_at.is_not_null()),
        Some(false) => query.filter(users::banned_at.is_null()),
        None => query,
    };
    query = match wanted.verified {
        Some(true) => query.filter(users::email_verified_at.is_not_null()),
        Some(false) => query.filter(users::email_verified_at.is_null()),
        None => query,
    };
    if let Some(after) = wanted.created_after {
        query = query.filter(users::created_at.ge(after));
    }
    if let Some(before) = wanted.created_before {
        query = query.filter(users::created_at.lt(before));
    }
    if let Some(after) = page.after {
        query = query.filter(users::id.lt(after));
    }
    let rows: Vec<(Row, Vec<String>)> = query.load(connection).await?;
    Ok(rows.into_iter().map(|(row, roles)| row.shown(roles)).collect())
}

/// A text that LIKE takes as it stands.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// All about a user; `None` when there is no such user.
pub(in crate::user) async fn find(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<UserDetails>> {
    let found: Option<(Row, Vec<String>)> =
        users::table.find(user).select((Row::as_select(), roles())).first(connection).await.optional()?;
    let Some((row, roles)) = found else { return Ok(None) };
    let more = more(connection, user).await?;
    Ok(Some(UserDetails {
        user: row.shown(roles),
        locale: more.locale,
        time_zone: more.time_zone,
        metadata: object(more.metadata),
        app_metadata: object(more.app_metadata),
        sessions: more.sessions,
        last_seen_at: more.last_seen_at,
        api_keys: more.api_keys,
        organizations: organizations(connection, user).await?,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[derive(QueryableByName)]
struct More {
    #[diesel(sql_type = Nullable<Text>)]
    locale: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    time_zone: Option<String>,
    #[diesel(sql_type = Jsonb)]
    metadata: Value,
    #[diesel(sql_type = Jsonb)]
    app_metadata: Value,
    #[diesel(sql_type = BigInt)]
    sessions: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_seen_at: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    api_keys: i64,
}

async fn more(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<More> {
    let more = statement(
        "SELECT u.locale, u.time_zone, u.metadata, u.app_metadata, s.sessions, s.last_seen_at,
                (SELECT count(*) FROM api_keys k WHERE k.user_id = u.id) AS api_keys
         FROM users u, LATERAL (
             SELECT count(*) FILTER (WHERE revoked_at IS NULL AND expires_at > now()) AS sessions,
                    max(rotated_at) AS last_seen_at
             FROM sessions WHERE user_id = u.id) s
         WHERE u.id = $1",
    );
    Ok(more.bind::<Uuid, _>(user).get_result(connection).await?)
}

async fn organizations(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<UserOrganization>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Uuid)]
        id: OrgId,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Bool)]
        personal: bool,
    }
    let rows: Vec<Row> = statement(
        "SELECT o.id, o.name, m.role, o.personal_of IS NOT DISTINCT FROM m.user_id AS personal
         FROM memberships m JOIN organizations o ON o.id = m.org_id
         WHERE m.user_id = $1 ORDER BY personal DESC, o.id",
    )
    .bind::<Uuid, _>(user)
    .load(connection)
    .await?;
    let shown = |Row { id, name, role, personal }| UserOrganization { id, name, role, personal };
    Ok(rows.into_iter().map(shown).collect())
}
