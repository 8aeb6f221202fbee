//! The SQL of organisations.

use contract_auth::{NewOrganization, Organization, OrganizationChange};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, delete,
    result::{DatabaseErrorKind, Error::DatabaseError},
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
    update,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OrgId, Timestamp, UserId};
use serde_json::Value;
use service_kit::{
    db::{self, statement},
    page::Page,
};
use uuid::Uuid;

use super::OrganizationError;
use crate::schema::organizations;

/// Holds the organisation, if there is one: until the transaction ends nobody else changes
/// it or its members.
pub(crate) async fn lock(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<()> {
    let held = organizations::table.find(org).select(organizations::id).for_no_key_update();
    let _: Option<OrgId> = held.first(connection).await.optional()?;
    Ok(())
}

/// Holds all organisations of the user, in the order of their ids: before the user is held, as
/// whoever holds both does.
pub(crate) async fn lock_all_of(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<()> {
    let held = statement(
        "SELECT o.id FROM organizations o JOIN memberships m ON m.org_id = o.id
         WHERE m.user_id = $1 ORDER BY o.id FOR NO KEY UPDATE OF o",
    );
    held.bind::<SqlUuid, _>(user).execute(connection).await?;
    Ok(())
}

/// Takes the next revision of an organisation that is held: what an event of it carries.
pub(crate) async fn next_revision(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<i64> {
    let next = update(organizations::table.find(org))
        .set(organizations::revision.eq(organizations::revision + 1))
        .returning(organizations::revision);
    Ok(next.get_result(connection).await?)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: OrgId,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    slug: Option<String>,
    #[diesel(sql_type = Bool)]
    personal: bool,
    #[diesel(sql_type = Jsonb)]
    metadata: Value,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
}

impl From<Row> for Organization {
    fn from(row: Row) -> Self {
        let metadata = row.metadata.as_object().cloned().unwrap_or_default();
        let Row { id, name, slug, personal, role, created_at, updated_at, .. } = row;
        Self { id, name, slug, personal, metadata, role, created_at, updated_at }
    }
}

/// A page of the organisations of the user, the latest made first; of one alone where their
/// credential reaches no other.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    user: UserId,
    only: Option<OrgId>,
    page: Page,
) -> db::Result<Vec<Organization>> {
    let rows = statement(
        "SELECT o.id, o.name, o.slug, o.personal_of IS NOT NULL AS personal, o.metadata, m.role,
                o.created_at, o.updated_at
         FROM memberships m JOIN organizations o ON o.id = m.org_id
         WHERE m.user_id = $1 AND ($2 IS NULL OR o.id = $2) AND ($3 IS NULL OR o.id < $3)
         ORDER BY o.id DESC LIMIT $4",
    );
    let rows = rows.bind::<SqlUuid, _>(user).bind::<Nullable<SqlUuid>, _>(only);
    let rows = rows.bind::<Nullable<SqlUuid>, Option<Uuid>>(page.after).bind::<BigInt, _>(page.rows());
    let rows: Vec<Row> = rows.load(connection).await?;
    Ok(rows.into_iter().map(Organization::from).collect())
}

/// The organisation as its member sees it.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
) -> db::Result<Option<Organization>> {
    let row = statement(
        "SELECT o.id, o.name, o.slug, o.personal_of IS NOT NULL AS personal, o.metadata, m.role,
                o.created_at, o.updated_at
         FROM memberships m JOIN organizations o ON o.id = m.org_id
         WHERE o.id = $1 AND m.user_id = $2",
    );
    let row = row.bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(user).get_result::<Row>(connection);
    Ok(row.await.optional()?.map(Organization::from))
}

/// How many organisations the user owns beside their own. Whoever makes one in their name holds
/// the account.
pub(crate) async fn count_owned(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let owned = statement(
        "SELECT count(*) AS count FROM memberships m JOIN organizations o ON o.id = m.org_id
         WHERE m.user_id = $1 AND m.role = 'owner' AND o.personal_of IS NULL",
    );
    Ok(owned.bind::<SqlUuid, _>(user).get_result::<Count>(connection).await?.count)
}

/// Makes an organisation with its owner: the UNIQUE slug decides.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    owner: UserId,
    new: &NewOrganization,
    now: Timestamp,
) -> Result<(), OrganizationError> {
    let made = statement(
        "WITH made AS (
             INSERT INTO organizations (id, name, slug, metadata, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $5) RETURNING id
         )
         INSERT INTO memberships (org_id, user_id, role, created_at) SELECT id, $6, 'owner', $5 FROM made",
    )
    .bind::<SqlUuid, _>(org)
    .bind::<Text, _>(&new.name)
    .bind::<Nullable<Text>, _>(new.slug.as_deref())
    .bind::<Jsonb, _>(Value::Object(new.metadata.clone().unwrap_or_default()))
    .bind::<Timestamptz, _>(now)
    .bind::<SqlUuid, _>(owner);
    made.execute(connection).await.map(drop).map_err(refused)
}

/// Changes what is named in `change`, in one statement.
pub(super) async fn change(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    change: &OrganizationChange,
    now: Timestamp,
) -> Result<(), OrganizationError> {
    let OrganizationChange { name, slug, metadata } = change;
    let changed = update(organizations::table.find(org)).set((
        name.as_deref().map(|name| organizations::name.eq(name)),
        slug.as_ref().map(|slug| organizations::slug.eq(slug.as_deref())),
        metadata.as_ref().map(|metadata| organizations::metadata.eq(Value::Object(metadata.clone()))),
        organizations::updated_at.eq(now),
    ));
    changed.execute(connection).await.map(drop).map_err(refused)
}

fn refused(error: diesel::result::Error) -> OrganizationError {
    match &error {
        DatabaseError(DatabaseErrorKind::UniqueViolation, about)
            if about.constraint_name() == Some("organizations_slug_key") =>
        {
            OrganizationError::SlugTaken
        }
        _ => OrganizationError::Db(error.into()),
    }
}

/// Deletes an organisation with all that is its own here; gives its last revision.
pub(super) async fn remove(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<i64> {
    let gone = delete(organizations::table.find(org)).returning(organizations::revision);
    Ok(gone.get_result(connection).await?)
}

/// The organisations that the user owns beside their own, in the order of their ids: those
/// with other members, or those without.
async fn owned(
    connection: &mut AsyncPgConnection,
    user: UserId,
    with_others: bool,
) -> db::Result<Vec<OrgId>> {
    #[derive(QueryableByName)]
    struct Owned {
        #[diesel(sql_type = SqlUuid)]
        id: OrgId,
    }
    let rows = statement(
        "SELECT o.id FROM memberships m JOIN organizations o ON o.id = m.org_id
         WHERE m.user_id = $1 AND m.role = 'owner' AND o.personal_of IS NULL
           AND $2 = EXISTS (SELECT FROM memberships n WHERE n.org_id = o.id AND n.user_id <> $1)
         ORDER BY o.id",
    );
    let rows: Vec<Owned> =
        rows.bind::<SqlUuid, _>(user).bind::<Bool, _>(with_others).load(connection).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The organisations that the user owns and others belong to: they are handed over or deleted
/// before their owner can go.
pub(super) async fn owned_with_others(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Vec<OrgId>> {
    owned(connection, user, true).await
}

/// The organisations that nobody but the user belongs to, beside their own: they go with them.
pub(super) async fn owned_alone(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<Vec<OrgId>> {
    owned(connection, user, false).await
}
