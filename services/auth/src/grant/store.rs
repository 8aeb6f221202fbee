//! The SQL of grants.

use contract_auth::{GivenGrant, HeldGrant};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    Selectable, SelectableHelper, delete, insert_into,
    sql_types::{Array, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::{Principal, Revocation};
use ids::{ApiKeyId, GrantId, OrgId, Timestamp, UserId};
use service_discovery::Service;
use service_kit::{
    db::{self, statement},
    page::Page,
};

use super::rules::Accepted;
use crate::{
    revocation,
    schema::{api_keys, grants},
};

/// How many grants the user has given that have not ended. Whoever adds one holds the account.
pub(super) async fn count(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> db::Result<i64> {
    let open = grants::table.filter(grants::user_id.eq(user).and(grants::expires_at.gt(now)));
    Ok(open.count().get_result(connection).await?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants, check_for_backend(diesel::pg::Pg))]
struct HeldRow {
    id: GrantId,
    user_id: UserId,
    org_id: OrgId,
    #[diesel(select_expression = grants::scopes)]
    scopes: Vec<String>,
    expires_at: Timestamp,
}

impl From<HeldRow> for HeldGrant {
    fn from(HeldRow { id, user_id, org_id, scopes, expires_at }: HeldRow) -> Self {
        Self { id, user_id, org_id, scopes, expires_at }
    }
}

/// Makes the grant; `None`: the service holds one of this person's for the same.
pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    giver: &Principal,
    holder: Service,
    accepted: &Accepted,
    now: Timestamp,
) -> db::Result<Option<HeldGrant>> {
    let row: Option<HeldRow> = insert_into(grants::table)
        .values((
            grants::id.eq(GrantId::generate()),
            grants::org_id.eq(giver.org),
            grants::user_id.eq(giver.user),
            grants::service.eq(holder.name()),
            grants::reference.eq(&accepted.reference),
            grants::description.eq(&accepted.description),
            grants::actor.eq(accepted.actor.as_deref()),
            grants::scopes.eq(&accepted.scopes),
            grants::api_key_id.eq(accepted.api_key),
            grants::created_at.eq(now),
            grants::expires_at.eq(now + accepted.lasts),
        ))
        .on_conflict((grants::service, grants::user_id, grants::org_id, grants::reference))
        .do_nothing()
        .returning(HeldRow::as_returning())
        .get_result(connection)
        .await
        .optional()?;
    Ok(row.map(HeldGrant::from))
}

/// Makes room for another of the same, if the one that there was has run out and nobody has
/// swept it up yet.
pub(super) async fn clear_expired(
    connection: &mut AsyncPgConnection,
    giver: &Principal,
    holder: Service,
    reference: &str,
    now: Timestamp,
) -> db::Result<()> {
    let same = grants::table
        .filter(grants::user_id.eq(giver.user).and(grants::org_id.eq(giver.org)))
        .filter(grants::service.eq(holder.name()).and(grants::reference.eq(reference)));
    delete(same.filter(grants::expires_at.le(now))).execute(connection).await?;
    Ok(())
}

/// What `holder` has of the person for this.
pub(super) async fn find_held(
    connection: &mut AsyncPgConnection,
    giver: &Principal,
    holder: Service,
    reference: &str,
) -> db::Result<Option<HeldGrant>> {
    let row: Option<HeldRow> = grants::table
        .filter(grants::user_id.eq(giver.user).and(grants::org_id.eq(giver.org)))
        .filter(grants::service.eq(holder.name()).and(grants::reference.eq(reference)))
        .select(HeldRow::as_select())
        .first(connection)
        .await
        .optional()?;
    Ok(row.map(HeldGrant::from))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: GrantId,
    service: String,
    description: String,
    reference: String,
    actor: Option<String>,
    #[diesel(select_expression = grants::scopes)]
    scopes: Vec<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl From<Row> for GivenGrant {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            service: row.service,
            description: row.description,
            reference: row.reference,
            actor: row.actor,
            scopes: row.scopes,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// A page of the grants that the user has given in this organisation, the latest first.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    page: Page,
    now: Timestamp,
) -> db::Result<Vec<GivenGrant>> {
    let mut query = grants::table
        .filter(grants::org_id.eq(org).and(grants::user_id.eq(user)).and(grants::expires_at.gt(now)))
        .order(grants::id.desc())
        .limit(page.rows())
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = page.after {
        query = query.filter(grants::id.lt(after));
    }
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(GivenGrant::from).collect())
}

/// What a token that is drawn needs.
#[derive(QueryableByName)]
pub(super) struct Drawn {
    #[diesel(sql_type = Uuid)]
    pub(super) user_id: UserId,
    #[diesel(sql_type = Uuid)]
    pub(super) org_id: OrgId,
    #[diesel(sql_type = Array<Text>)]
    pub(super) scopes: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) actor: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub(super) expires_at: Timestamp,
}

/// Notes that `holder` draws from the grant, whosever it is: the grant itself is the proof,
/// in its holder's hands. `None`: it is not the holder's, or has ended, or its key has.
pub(super) async fn draw(
    connection: &mut AsyncPgConnection,
    id: GrantId,
    holder: Service,
    now: Timestamp,
) -> db::Result<Option<Drawn>> {
    let drawn = statement(
        "UPDATE grants g SET last_used_at = greatest(last_used_at, $3)
         WHERE id = $1 AND service = $2 AND expires_at > $3 AND NOT EXISTS (
             SELECT FROM api_keys k WHERE k.id = g.api_key_id AND k.expires_at <= $3)
         RETURNING user_id, org_id, scopes, actor,
                   least(expires_at, (SELECT k.expires_at FROM api_keys k WHERE k.id = g.api_key_id)) AS expires_at",
    );
    let drawn = drawn.bind::<Uuid, _>(id).bind::<Text, _>(holder.name()).bind::<Timestamptz, _>(now);
    Ok(drawn.get_result(connection).await.optional()?)
}

/// A grant that is no more.
#[derive(Queryable)]
pub(super) struct Ended {
    pub(super) user_id: UserId,
    pub(super) org_id: OrgId,
    pub(super) service: String,
    pub(super) reference: String,
}

const ENDED: (grants::user_id, grants::org_id, grants::service, grants::reference) =
    (grants::user_id, grants::org_id, grants::service, grants::reference);

/// Deletes a grant that the user has given in this organisation; `None` when it is not one.
pub(super) async fn revoke(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    id: GrantId,
) -> db::Result<Option<Ended>> {
    let own =
        grants::table.filter(grants::id.eq(id).and(grants::org_id.eq(org)).and(grants::user_id.eq(user)));
    Ok(delete(own).returning(ENDED).get_result(connection).await.optional()?)
}

/// Deletes a grant that `holder` holds; `None` when it does not.
pub(super) async fn give_back(
    connection: &mut AsyncPgConnection,
    holder: Service,
    id: GrantId,
) -> db::Result<Option<Ended>> {
    let held = grants::table.filter(grants::id.eq(id).and(grants::service.eq(holder.name())));
    Ok(delete(held).returning(ENDED).get_result(connection).await.optional()?)
}

/// Whether the API key is there; until the transaction ends, it stays.
pub(super) async fn hold_api_key(
    connection: &mut AsyncPgConnection,
    user: UserId,
    key: ApiKeyId,
) -> db::Result<Option<ApiKeyId>> {
    let own = api_keys::table.find(key).filter(api_keys::user_id.eq(user)).select(api_keys::id);
    Ok(own.for_key_share().first(connection).await.optional()?)
}

/// Voids the tokens of all grants that were made by an API key, which is about to be
/// deleted and takes them along.
pub(crate) async fn void_of_api_key(
    connection: &mut AsyncPgConnection,
    user: UserId,
    key: ApiKeyId,
) -> db::Result<Vec<Revocation>> {
    let of_key = grants::table.filter(grants::user_id.eq(user).and(grants::api_key_id.eq(key)));
    let ids: Vec<GrantId> = of_key.select(grants::id).load(connection).await?;
    let voided = ids.into_iter().map(Revocation::of_grant).collect();
    revocation::write(connection, voided, "API key deletion").await
}

/// Deletes all grants of the user. Their tokens are voided by whoever calls, with the
/// user's.
pub(crate) async fn delete_all(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<()> {
    delete(grants::table.filter(grants::user_id.eq(user))).execute(connection).await?;
    Ok(())
}

/// Deletes those that have ended; gives how many.
pub(crate) async fn prune(connection: &mut AsyncPgConnection, now: Timestamp) -> db::Result<usize> {
    Ok(delete(grants::table.filter(grants::expires_at.le(now))).execute(connection).await?)
}
