//! The SQL of API keys.

use contract_auth::{ApiKey, ApiKeyChange, ApiKeyText, NewApiKey};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    Selectable, SelectableHelper, insert_into,
    sql_types::{Array, BigInt, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use identity::Revocation;
use ids::{ApiKeyId, OrgId, Timestamp, UserId};
use service_kit::{
    db::{self, statement},
    page::Page,
};
use uuid::Uuid;

use crate::{grant, revocation, schema::api_keys};

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: ApiKeyId,
    name: String,
    prefix: String,
    #[diesel(select_expression = api_keys::scopes)]
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    created_at: Timestamp,
    rate_limit: Option<i32>,
    rotated_at: Option<Timestamp>,
    old_secret_until: Option<Timestamp>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes,
            expires_at: row.expires_at,
            rate_limit: row.rate_limit.and_then(|limit| u32::try_from(limit).ok()),
            last_used_at: row.last_used_at,
            rotated_at: row.rotated_at,
            old_secret_until: row.old_secret_until.filter(|until| *until > Timestamp::now()),
            created_at: row.created_at,
        }
    }
}

/// How many keys the user has. Whoever adds one holds the account.
pub(super) async fn count(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<i64> {
    Ok(api_keys::table.filter(api_keys::user_id.eq(user)).count().get_result(connection).await?)
}

pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    text: &ApiKeyText,
    new: &NewApiKey,
    now: Timestamp,
) -> db::Result<ApiKey> {
    let row = insert_into(api_keys::table)
        .values((
            api_keys::id.eq(text.id()),
            api_keys::org_id.eq(org),
            api_keys::user_id.eq(user),
            api_keys::name.eq(&new.name),
            api_keys::prefix.eq(text.shown()),
            api_keys::secret_hash.eq(text.secret_hash()),
            api_keys::scopes.eq(&new.scopes),
            api_keys::expires_at.eq(new.expires_at),
            api_keys::rate_limit.eq(new.rate_limit.map(column)),
            api_keys::created_at.eq(now),
        ))
        .returning(Row::as_returning())
        .get_result(connection)
        .await?;
    Ok(row.into())
}

/// A page of the user's keys in this organisation, the latest first.
pub(super) async fn list(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    page: Page,
) -> db::Result<Vec<ApiKey>> {
    let mut query = api_keys::table
        .filter(api_keys::org_id.eq(org).and(api_keys::user_id.eq(user)))
        .order(api_keys::id.desc())
        .limit(page.rows())
        .select(Row::as_select())
        .into_boxed();
    if let Some(after) = page.after {
        query = query.filter(api_keys::id.lt(after));
    }
    let rows: Vec<Row> = query.load(connection).await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// A limit as the column holds it.
fn column(limit: u32) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}

/// Changes a key of the user in this organisation; `None` when it is not one. Another
/// end or limit voids its tokens, which say them.
pub(super) async fn update(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    id: ApiKeyId,
    change: &ApiKeyChange,
) -> db::Result<Option<(ApiKey, Vec<Revocation>)>> {
    let own = api_keys::table.find(id).filter(api_keys::org_id.eq(org).and(api_keys::user_id.eq(user)));
    if change.name.is_none() && change.expires_at.is_none() && change.rate_limit.is_none() {
        let row = own.select(Row::as_select()).first(connection).await.optional()?;
        return Ok(row.map(|row| (row.into(), Vec::new())));
    }
    let versions = i64::from(change.expires_at.is_some() || change.rate_limit.is_some());
    let changed: Option<(Row, i64)> = diesel::update(own)
        .set((
            change.name.as_deref().map(|name| api_keys::name.eq(name)),
            change.expires_at.map(|at| api_keys::expires_at.eq(at)),
            change.rate_limit.map(|limit| api_keys::rate_limit.eq(limit.map(column))),
            api_keys::version.eq(api_keys::version + versions),
        ))
        .returning((Row::as_returning(), api_keys::version))
        .get_result(connection)
        .await
        .optional()?;
    let Some((row, version)) = changed else { return Ok(None) };
    let voided = match versions {
        0 => Vec::new(),
        _ => {
            let void = Revocation::of_api_key_before(id, version);
            revocation::write(connection, vec![void], "API key change").await?
        }
    };
    Ok(Some((row.into(), voided)))
}

/// Gives a key of the user in this organisation another secret; `None` when it is not
/// one. The secret until now opens until `until`, one before it no more; tokens that may
/// be of a secret which ends are void.
pub(super) async fn rotate(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    text: &ApiKeyText,
    until: Option<Timestamp>,
    now: Timestamp,
) -> db::Result<Option<(ApiKey, Vec<Revocation>)>> {
    let version: Option<Rotated> = statement(
        // With an overlap, those who use the secret until now notice nothing.
        "UPDATE api_keys
         SET version = version + CASE WHEN $1 IS NULL OR old_secret_until > $2 THEN 1 ELSE 0 END,
             old_secret_hash = CASE WHEN $1 IS NULL THEN NULL ELSE secret_hash END,
             old_secret_until = $1, rotated_at = $2, secret_hash = $3, prefix = $4
         WHERE id = $5 AND org_id = $6 AND user_id = $7 RETURNING version",
    )
    .bind::<Nullable<Timestamptz>, _>(until)
    .bind::<Timestamptz, _>(now)
    .bind::<Bytea, _>(text.secret_hash())
    .bind::<Text, _>(text.shown())
    .bind::<SqlUuid, _>(text.id())
    .bind::<SqlUuid, _>(org)
    .bind::<SqlUuid, _>(user)
    .get_result(connection)
    .await
    .optional()?;
    let Some(Rotated { version }) = version else { return Ok(None) };
    let row: Row = api_keys::table.find(text.id()).select(Row::as_select()).first(connection).await?;
    let void = Revocation::of_api_key_before(text.id(), version);
    let voided = revocation::write(connection, vec![void], "API key rotation").await?;
    Ok(Some((row.into(), voided)))
}

#[derive(QueryableByName)]
struct Rotated {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Deletes a key of the user in this organisation with the grants that were made by it, and
/// voids their tokens; the revocations, if it was one.
pub(super) async fn delete(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    user: UserId,
    id: ApiKeyId,
) -> db::Result<Vec<Revocation>> {
    let own = api_keys::table.find(id).filter(api_keys::org_id.eq(org).and(api_keys::user_id.eq(user)));
    // From here on, no grant is made by it.
    let held: Option<ApiKeyId> = own.select(api_keys::id).for_update().first(connection).await.optional()?;
    if held.is_none() {
        return Ok(Vec::new());
    }
    let mut voided = grant::store::void_of_api_key(connection, user, id).await?;
    diesel::delete(own).execute(connection).await?;
    voided.extend(revocation::write(connection, vec![Revocation::of_api_key(id)], "API key deletion").await?);
    Ok(voided)
}

/// What an exchange needs of a key, whoever's it is: the key itself is the proof.
#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Proof {
    pub(crate) org_id: OrgId,
    pub(crate) user_id: UserId,
    pub(super) secret_hash: Vec<u8>,
    #[diesel(select_expression = api_keys::scopes)]
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) rate_limit: Option<i32>,
    pub(super) old_secret_hash: Option<Vec<u8>>,
    pub(super) old_secret_until: Option<Timestamp>,
}

pub(crate) async fn find_proof(
    connection: &mut AsyncPgConnection,
    id: ApiKeyId,
) -> db::Result<Option<Proof>> {
    Ok(api_keys::table.find(id).select(Proof::as_select()).first(connection).await.optional()?)
}

/// Writes when keys were last used, many at once, never backwards.
pub(super) async fn touch(
    connection: &mut AsyncPgConnection,
    uses: Vec<(ApiKeyId, Timestamp)>,
) -> db::Result<()> {
    let (ids, instants): (Vec<Uuid>, Vec<Timestamp>) =
        uses.into_iter().map(|(id, at)| (id.uuid(), at)).unzip();
    statement(
        "UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, u.at)
         FROM unnest($1, $2) AS u (id, at) WHERE k.id = u.id",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Timestamptz>, _>(instants)
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes all keys of the user. Their tokens are voided by whoever calls, with the user's.
pub(crate) async fn delete_all(connection: &mut AsyncPgConnection, user: UserId) -> db::Result<()> {
    diesel::delete(api_keys::table.filter(api_keys::user_id.eq(user))).execute(connection).await?;
    Ok(())
}
