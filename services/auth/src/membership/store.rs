//! The SQL of memberships.

use contract_auth::Member;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, delete,
    insert_into,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
    update,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use service_kit::{
    db::{self, statement},
    page::Page,
};
use uuid::Uuid;

use super::{OrgRole, Standing};
use crate::schema::memberships;

/// How the user stands in the organisation, if they are a member.
pub(crate) async fn standing(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> db::Result<Option<Standing>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Array<Text>)]
        scopes: Vec<String>,
        #[diesel(sql_type = Bool)]
        personal: bool,
        #[diesel(sql_type = Bool)]
        verified: bool,
        #[diesel(sql_type = Bool)]
        banned: bool,
        #[diesel(sql_type = Bool)]
        leaving: bool,
    }
    let row = statement(
        "SELECT m.role, ARRAY(SELECT p.scope FROM role_permissions p WHERE p.role = m.role) AS scopes,
                o.personal_of IS NOT NULL AS personal, u.email_verified_at IS NOT NULL AS verified,
                u.banned_at IS NOT NULL AS banned, u.delete_at IS NOT NULL AS leaving
         FROM memberships m JOIN organizations o ON o.id = m.org_id JOIN users u ON u.id = m.user_id
         WHERE m.org_id = $1 AND m.user_id = $2",
    );
    let row: Option<Row> =
        row.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(user).get_result(connection).await.optional()?;
    Ok(row.map(|Row { role, scopes, personal, verified, banned, leaving }| {
        let role = OrgRole { name: role, scopes: scopes.into_iter().collect() };
        Standing { org, user, role, personal, verified, banned, leaving }
    }))
}

/// The role of this name that members can have.
pub(crate) async fn role(connection: &mut AsyncPgConnection, name: &str) -> db::Result<Option<OrgRole>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Array<Text>)]
        scopes: Vec<String>,
    }
    let row = statement(
        "SELECT ARRAY(SELECT p.scope FROM role_permissions p WHERE p.role = r.name) AS scopes
         FROM roles r WHERE r.name = $1 AND r.kind = 'organization'",
    );
    let row: Option<Row> = row.bind::<Text, _>(name).get_result(connection).await.optional()?;
    Ok(row.map(|Row { scopes }| OrgRole { name: name.to_owned(), scopes: scopes.into_iter().collect() }))
}

#[derive(QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
}

impl From<MemberRow> for Member {
    fn from(MemberRow { user_id, name, email, role, created_at }: MemberRow) -> Self {
        Self { user_id, name, email: Some(email), role, joined_at: created_at }
    }
}

/// A page of the members, in the order of their accounts.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
) -> db::Result<Vec<Member>> {
    let rows = statement(
        "SELECT m.user_id, u.name, u.email, m.role, m.created_at
         FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.org_id = $1 AND ($2 IS NULL OR m.user_id > $2) ORDER BY m.user_id LIMIT $3",
    );
    let rows = rows.bind::<SqlUuid, _>(org).bind::<Nullable<SqlUuid>, Option<Uuid>>(page.after);
    let rows: Vec<MemberRow> = rows.bind::<BigInt, _>(page.rows()).load(connection).await?;
    Ok(rows.into_iter().map(Member::from).collect())
}

/// One member.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> db::Result<Option<Member>> {
    let row = statement(
        "SELECT m.user_id, u.name, u.email, m.role, m.created_at
         FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1 AND m.user_id = $2",
    );
    let row = row.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(user).get_result::<MemberRow>(connection);
    Ok(row.await.optional()?.map(Member::from))
}

/// How many members there are.
pub(crate) async fn count(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<i64> {
    Ok(memberships::table.filter(memberships::org_id.eq(org)).count().get_result(connection).await?)
}

/// Whether the account of the organisation's owner is not about to go; if so it stays that
/// way until the transaction ends.
pub(super) async fn owner_stays(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        stays: bool,
    }
    let owner = statement(
        "SELECT u.delete_at IS NULL AS stays FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.org_id = $1 AND m.role = 'owner' FOR SHARE OF u",
    );
    let owner = owner.bind::<SqlUuid, _>(org).get_result::<Row>(connection).await.optional()?;
    Ok(owner.is_some_and(|owner| owner.stays))
}

/// Whether the user is a member; if so they stay it until the transaction ends.
pub(crate) async fn hold(connection: &mut AsyncPgConnection, org: OrgId, user: UserId) -> db::Result<bool> {
    let held = memberships::table.find((org, user)).select(memberships::user_id).for_key_share();
    Ok(held.first::<UserId>(connection).await.optional()?.is_some())
}

/// Makes the user a member; whether they were none.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    role: &str,
    now: Timestamp,
) -> db::Result<bool> {
    let row = (
        memberships::org_id.eq(org),
        memberships::user_id.eq(user),
        memberships::role.eq(role),
        memberships::created_at.eq(now),
    );
    Ok(insert_into(memberships::table).values(row).on_conflict_do_nothing().execute(connection).await? == 1)
}

pub(super) async fn set_role(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    role: &str,
) -> db::Result<()> {
    let member = memberships::table.find((org, user));
    update(member).set(memberships::role.eq(role)).execute(connection).await?;
    Ok(())
}

/// Ends a membership; API keys, invitations and leaves for resources go with it. Whether
/// there was one.
pub(super) async fn remove(connection: &mut AsyncPgConnection, org: OrgId, user: UserId) -> db::Result<bool> {
    let member = memberships::org_id.eq(org).and(memberships::user_id.eq(user));
    Ok(delete(memberships::table.filter(member)).execute(connection).await? == 1)
}

/// Ends all memberships of an organisation that is about to be deleted.
pub(crate) async fn remove_all(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<()> {
    delete(memberships::table.filter(memberships::org_id.eq(org))).execute(connection).await?;
    Ok(())
}

/// The organisations of the user that are others', in the order of their ids.
pub(super) async fn of_others(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<OrgId>> {
    let others = memberships::table
        .filter(memberships::user_id.eq(user).and(memberships::role.ne(super::rules::OWNER)))
        .order(memberships::org_id)
        .select(memberships::org_id);
    Ok(others.load(connection).await?)
}
