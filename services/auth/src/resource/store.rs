//! The SQL of who may use which resource.

use contract_auth::{Level, ResourceId, ResourcePermission};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, delete,
    insert_into,
    sql_types::{Bool, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::rules::Facts;
use crate::schema::{resource_permissions, restricted_resources};

fn level(name: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level.name() == name)
}

/// How the user stands to the resource, if they are a member of the organisation.
pub(super) async fn facts(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    resource: &ResourceId,
) -> db::Result<Option<Facts>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        banned: bool,
        #[diesel(sql_type = Bool)]
        manages: bool,
        #[diesel(sql_type = Bool)]
        restricted: bool,
        #[diesel(sql_type = Nullable<Text>)]
        level: Option<String>,
    }
    let row = statement(
        "SELECT u.banned_at IS NOT NULL AS banned,
                EXISTS (SELECT FROM role_permissions p
                        WHERE p.role = m.role AND p.scope = 'orgs:write') AS manages,
                EXISTS (SELECT FROM restricted_resources r
                        WHERE r.org_id = m.org_id AND r.resource = $3) AS restricted,
                (SELECT l.level FROM resource_permissions l
                 WHERE l.org_id = m.org_id AND l.resource = $3 AND l.user_id = m.user_id) AS level
         FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.org_id = $1 AND m.user_id = $2",
    );
    let row = row.bind::<Uuid, _>(org).bind::<Uuid, _>(user).bind::<Text, _>(resource.as_str());
    let row: Option<Row> = row.get_result(connection).await.optional()?;
    Ok(row.map(|Row { banned, manages, restricted, level: name }| Facts {
        banned,
        manages,
        restricted,
        level: name.as_deref().and_then(level),
    }))
}

/// A page of the leaves for the resource, in the order of the members' accounts.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
    page: Page,
) -> db::Result<Vec<ResourcePermission>> {
    let mut query = resource_permissions::table
        .filter(resource_permissions::org_id.eq(org))
        .filter(resource_permissions::resource.eq(resource.as_str()))
        .order(resource_permissions::user_id)
        .limit(page.rows())
        .select((
            resource_permissions::user_id,
            resource_permissions::level,
            resource_permissions::granted_by,
            resource_permissions::updated_at,
        ))
        .into_boxed();
    if let Some(after) = page.after {
        query = query.filter(resource_permissions::user_id.gt(after));
    }
    let rows: Vec<(UserId, String, Option<UserId>, Timestamp)> = query.load(connection).await?;
    let shown = |(user_id, name, granted_by, updated_at): (UserId, String, _, _)| {
        let level = level(&name)?;
        Some(ResourcePermission { user_id, level, granted_by, updated_at })
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}

/// Restricts the resource, if it is not yet.
pub(super) async fn restrict(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
    now: Timestamp,
) -> db::Result<()> {
    insert_into(restricted_resources::table)
        .values((
            restricted_resources::org_id.eq(org),
            restricted_resources::resource.eq(resource.as_str()),
            restricted_resources::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives a member a leave for a restricted resource; whether they are a member.
pub(super) async fn permit(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
    leave: &ResourcePermission,
) -> db::Result<bool> {
    let given = statement(
        "INSERT INTO resource_permissions (org_id, resource, user_id, level, granted_by, updated_at)
         SELECT m.org_id, $3, m.user_id, $4, $5, $6 FROM memberships m WHERE m.org_id = $1 AND m.user_id = $2
         ON CONFLICT (org_id, resource, user_id)
         DO UPDATE SET level = excluded.level, granted_by = excluded.granted_by, updated_at = excluded.updated_at",
    )
    .bind::<Uuid, _>(org)
    .bind::<Uuid, _>(leave.user_id)
    .bind::<Text, _>(resource.as_str())
    .bind::<Text, _>(leave.level.name())
    .bind::<Nullable<Uuid>, _>(leave.granted_by)
    .bind::<Timestamptz, _>(leave.updated_at);
    Ok(given.execute(connection).await? == 1)
}

/// Takes a member's leave; whether they had one.
pub(super) async fn forbid(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
    user: UserId,
) -> db::Result<bool> {
    let leave = resource_permissions::table.find((org, resource.as_str(), user));
    Ok(delete(leave).execute(connection).await? == 1)
}

/// Opens the resource to all members, with every leave gone; whether it was restricted.
pub(super) async fn open(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    resource: &ResourceId,
) -> db::Result<bool> {
    let restricted =
        restricted_resources::org_id.eq(org).and(restricted_resources::resource.eq(resource.as_str()));
    Ok(delete(restricted_resources::table.filter(restricted)).execute(connection).await? == 1)
}
