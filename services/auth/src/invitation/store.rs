//! The SQL of invitations.

use contract_auth::{Invitation, ReceivedInvitation};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    delete,
    dsl::{exists, select},
    insert_into,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
    update,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{InvitationId, OrgId, Timestamp, UserId};
use service_kit::{
    db::{self, statement},
    page::Page,
};
use uuid::Uuid;

use crate::schema::{invitations, memberships, organizations, users};

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: InvitationId,
    email: String,
    role: String,
    invited_by: UserId,
    sent_at: Timestamp,
    expires_at: Timestamp,
    created_at: Timestamp,
}

impl From<Row> for Invitation {
    fn from(row: Row) -> Self {
        let Row { id, email, role, invited_by, sent_at, expires_at, created_at } = row;
        Self { id, email, role, invited_by, sent_at, expires_at, created_at }
    }
}

/// Deletes the organisation's invitations that have ended.
pub(super) async fn sweep(connection: &mut AsyncPgConnection, org: OrgId, now: Timestamp) -> db::Result<()> {
    let ended =
        invitations::table.filter(invitations::org_id.eq(org)).filter(invitations::expires_at.le(now));
    delete(ended).execute(connection).await?;
    Ok(())
}

/// How many invitations of the organisation wait.
pub(super) async fn count(connection: &mut AsyncPgConnection, org: OrgId) -> db::Result<i64> {
    Ok(invitations::table.filter(invitations::org_id.eq(org)).count().get_result(connection).await?)
}

/// Whether the address is that of a member's account.
pub(super) async fn is_member(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    email: &str,
) -> db::Result<bool> {
    let member = memberships::table.inner_join(users::table);
    let member = member.filter(memberships::org_id.eq(org)).filter(users::email.eq(email));
    Ok(select(exists(member)).get_result(connection).await?)
}

/// An invitation that is to be made.
pub(super) struct New<'a> {
    pub(super) org: OrgId,
    pub(super) email: &'a str,
    pub(super) role: &'a str,
    pub(super) by: UserId,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Makes an invitation, unless the address has one: the UNIQUE address decides.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    new: &New<'_>,
) -> db::Result<Option<Invitation>> {
    let row = insert_into(invitations::table)
        .values((
            invitations::id.eq(InvitationId::generate()),
            invitations::org_id.eq(new.org),
            invitations::email.eq(new.email),
            invitations::role.eq(new.role),
            invitations::invited_by.eq(new.by),
            invitations::sent_at.eq(new.now),
            invitations::expires_at.eq(new.expires_at),
            invitations::created_at.eq(new.now),
        ))
        .on_conflict_do_nothing()
        .returning(Row::as_returning())
        .get_result(connection)
        .await
        .optional()?;
    Ok(row.map(Invitation::from))
}

/// A page of the organisation's invitations that wait, the latest first.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    page: Page,
    now: Timestamp,
) -> db::Result<Vec<Invitation>> {
    let mut query = invitations::table
        .filter(invitations::org_id.eq(org))
        .filter(invitations::expires_at.gt(now))
        .order(invitations::id.desc())
        .limit(page.rows())
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = page.after {
        query = query.filter(invitations::id.lt(after));
    }
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(Invitation::from).collect())
}

/// An invitation of the organisation that waits.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    id: InvitationId,
    now: Timestamp,
) -> db::Result<Option<Invitation>> {
    let waiting = invitations::table
        .find(id)
        .filter(invitations::org_id.eq(org))
        .filter(invitations::expires_at.gt(now))
        .select(Row::as_select());
    let row: Option<Row> = waiting.first(connection).await.optional()?;
    Ok(row.map(Invitation::from))
}

/// Notes that the invitation is mailed again, for as long as a new one.
pub(super) async fn renew(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    id: InvitationId,
    now: Timestamp,
    expires_at: Timestamp,
) -> db::Result<Invitation> {
    let renewed = update(invitations::table.find(id))
        .filter(invitations::org_id.eq(org))
        .set((invitations::sent_at.eq(now), invitations::expires_at.eq(expires_at)))
        .returning(Row::as_returning());
    let row: Row = renewed.get_result(connection).await?;
    Ok(row.into())
}

/// Deletes an invitation of the organisation; whether there was one.
pub(super) async fn remove(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    id: InvitationId,
) -> db::Result<bool> {
    let one = invitations::table.find(id).filter(invitations::org_id.eq(org));
    Ok(delete(one).execute(connection).await? == 1)
}

/// What the mail of an invitation says: what the organisation is called, and who invites.
pub(super) async fn mail_words(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    by: UserId,
) -> db::Result<(String, Option<String>)> {
    let organization = organizations::table.find(org).select(organizations::name).first(connection).await?;
    let inviter = users::table.find(by).select(users::name).first(connection).await?;
    Ok((organization, inviter))
}

/// A page of the invitations to the user's address, if that is verified, the latest first.
pub(super) async fn received(
    connection: &mut AsyncPgConnection,
    user: UserId,
    page: Page,
    now: Timestamp,
) -> db::Result<Vec<ReceivedInvitation>> {
    #[derive(QueryableByName)]
    struct Received {
        #[diesel(sql_type = SqlUuid)]
        id: InvitationId,
        #[diesel(sql_type = SqlUuid)]
        org_id: OrgId,
        #[diesel(sql_type = Text)]
        organization_name: String,
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Timestamptz)]
        expires_at: Timestamp,
    }
    let rows = statement(
        "SELECT i.id, i.org_id, o.name AS organization_name, i.role, i.expires_at
         FROM users u JOIN invitations i ON i.email = u.email JOIN organizations o ON o.id = i.org_id
         WHERE u.id = $1 AND u.email_verified_at IS NOT NULL AND i.expires_at > $2
           AND ($3 IS NULL OR i.id < $3)
         ORDER BY i.id DESC LIMIT $4",
    );
    let rows = rows.bind::<SqlUuid, _>(user).bind::<Timestamptz, _>(now);
    let rows = rows.bind::<Nullable<SqlUuid>, Option<Uuid>>(page.after).bind::<BigInt, _>(page.rows());
    let rows: Vec<Received> = rows.load(connection).await?;
    let shown = |Received { id, org_id, organization_name, role, expires_at }| ReceivedInvitation {
        id,
        org_id,
        organization_name,
        role,
        expires_at,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// The user's address, and whether it is verified.
pub(super) async fn address(
    connection: &mut AsyncPgConnection,
    user: UserId,
) -> db::Result<Option<(String, bool)>> {
    let address = users::table.find(user).select((users::email, users::email_verified_at.is_not_null()));
    Ok(address.first(connection).await.optional()?)
}
