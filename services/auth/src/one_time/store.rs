//! The SQL of one-time tokens.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, delete, insert_into,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{OneTimeTokenId, OrgId, Timestamp, UserId};
use service_kit::db;

use super::{OneTimeError, Purpose};
use crate::schema::one_time_tokens;

/// A token that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewToken {
    pub(crate) purpose: Purpose,
    pub(crate) user: Option<UserId>,
    pub(crate) org: Option<OrgId>,
    pub(crate) about: Option<String>,
}

/// What a token is about.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = one_time_tokens, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Token {
    pub(crate) user_id: Option<UserId>,
    pub(crate) org_id: Option<OrgId>,
    pub(crate) about: Option<String>,
}

/// Makes a token that works from now on for its purpose's lifetime.
pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    new: &NewToken,
    now: Timestamp,
) -> db::Result<OneTimeTokenId> {
    let id = OneTimeTokenId::generate();
    insert_into(one_time_tokens::table)
        .values((
            one_time_tokens::id.eq(id),
            one_time_tokens::purpose.eq(new.purpose.name()),
            one_time_tokens::user_id.eq(new.user),
            one_time_tokens::org_id.eq(new.org),
            one_time_tokens::about.eq(new.about.as_deref()),
            one_time_tokens::created_at.eq(now),
            one_time_tokens::expires_at.eq(now + new.purpose.lifetime()),
        ))
        .execute(connection)
        .await?;
    Ok(id)
}

/// The token, while it works: looking at it does not use it up.
pub(crate) async fn find(
    connection: &mut AsyncPgConnection,
    purpose: Purpose,
    id: OneTimeTokenId,
    now: Timestamp,
) -> Result<Token, OneTimeError> {
    let found = one_time_tokens::table
        .find(id)
        .filter(one_time_tokens::purpose.eq(purpose.name()).and(one_time_tokens::expires_at.gt(now)))
        .select(Token::as_select())
        .first(connection)
        .await
        .optional()
        .map_err(db::Error::from)?;
    found.ok_or(OneTimeError::Invalid)
}

/// Uses the token up: of many at once, one gets it. It comes back if the transaction
/// does not commit.
pub(crate) async fn take(
    connection: &mut AsyncPgConnection,
    purpose: Purpose,
    id: OneTimeTokenId,
    now: Timestamp,
) -> Result<Token, OneTimeError> {
    let taken = delete(one_time_tokens::table.find(id))
        .filter(one_time_tokens::purpose.eq(purpose.name()))
        .filter(one_time_tokens::expires_at.gt(now))
        .returning(Token::as_returning())
        .get_result(connection)
        .await
        .optional()
        .map_err(db::Error::from)?;
    taken.ok_or(OneTimeError::Invalid)
}

/// Voids the organisation's tokens of this purpose that are about this.
pub(crate) async fn void_about(
    connection: &mut AsyncPgConnection,
    org: OrgId,
    purpose: Purpose,
    about: &str,
) -> db::Result<()> {
    delete(one_time_tokens::table)
        .filter(one_time_tokens::org_id.eq(org))
        .filter(one_time_tokens::purpose.eq(purpose.name()))
        .filter(one_time_tokens::about.eq(about))
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts a try with the token, before anything is judged by it, while it works and has
/// tries left: of many at once, no more get it.
pub(crate) async fn try_with(
    connection: &mut AsyncPgConnection,
    purpose: Purpose,
    id: OneTimeTokenId,
    tries: i32,
    now: Timestamp,
) -> Result<Token, OneTimeError> {
    let tried = diesel::update(one_time_tokens::table.find(id))
        .filter(one_time_tokens::purpose.eq(purpose.name()))
        .filter(one_time_tokens::expires_at.gt(now))
        .filter(one_time_tokens::failures.lt(tries))
        .set(one_time_tokens::failures.eq(one_time_tokens::failures + 1))
        .returning(Token::as_returning())
        .get_result(connection)
        .await
        .optional()
        .map_err(db::Error::from)?;
    tried.ok_or(OneTimeError::Invalid)
}

/// Voids the user's tokens of these purposes: what they proved holds no longer.
pub(crate) async fn void(
    connection: &mut AsyncPgConnection,
    user: UserId,
    purposes: &[Purpose],
) -> db::Result<()> {
    delete(one_time_tokens::table)
        .filter(one_time_tokens::user_id.eq(user))
        .filter(one_time_tokens::purpose.eq_any(purposes.iter().map(|purpose| purpose.name())))
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes those that work no longer; gives how many.
pub(crate) async fn prune(connection: &mut AsyncPgConnection, now: Timestamp) -> db::Result<usize> {
    let old = one_time_tokens::table.filter(one_time_tokens::expires_at.lt(now));
    Ok(delete(old).execute(connection).await?)
}
