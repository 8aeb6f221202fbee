//! The SQL of signing keys.

use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper, insert_into};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::Timestamp;
use service_kit::db::{self, statement};

use super::KeyTimes;
use crate::schema::signing_keys;

#[derive(Queryable, Selectable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    pub(crate) kid: String,
    pub(crate) sealed_seed: Vec<u8>,
    pub(crate) created_at: Timestamp,
    pub(crate) activates_at: Timestamp,
    pub(crate) retires_at: Option<Timestamp>,
}

impl Row {
    pub(crate) fn times(&self) -> KeyTimes {
        let Self { created_at, activates_at, retires_at, .. } = *self;
        KeyTimes { created_at, activates_at, retires_at }
    }
}

/// Until the transaction ends, nobody else makes or rotates keys.
pub(crate) async fn lock(connection: &mut AsyncPgConnection) -> db::Result<()> {
    statement("SELECT pg_advisory_xact_lock(hashtext('signing_keys'))").execute(connection).await?;
    Ok(())
}

/// All keys, the one that activates last first.
pub(crate) async fn all(connection: &mut AsyncPgConnection) -> db::Result<Vec<Row>> {
    let newest = (signing_keys::activates_at.desc(), signing_keys::created_at.desc());
    Ok(signing_keys::table.order(newest).select(Row::as_select()).load(connection).await?)
}

pub(crate) async fn insert(
    connection: &mut AsyncPgConnection,
    kid: &str,
    sealed_seed: &[u8],
    times: KeyTimes,
) -> db::Result<()> {
    insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(kid),
            signing_keys::sealed_seed.eq(sealed_seed),
            signing_keys::created_at.eq(times.created_at),
            signing_keys::activates_at.eq(times.activates_at),
            signing_keys::retires_at.eq(times.retires_at),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

/// Lets every key that has no end yet, or a later one, end at `at`.
pub(crate) async fn retire_all(connection: &mut AsyncPgConnection, at: Timestamp) -> db::Result<()> {
    use diesel::BoolExpressionMethods;
    diesel::update(signing_keys::table)
        .filter(signing_keys::retires_at.is_null().or(signing_keys::retires_at.gt(at)))
        .set(signing_keys::retires_at.eq(at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Replaces what was sealed under an older key-encryption key, unless somebody did.
pub(crate) async fn reseal(
    connection: &mut AsyncPgConnection,
    kid: &str,
    old: &[u8],
    new: &[u8],
) -> db::Result<()> {
    diesel::update(signing_keys::table.find(kid))
        .filter(signing_keys::sealed_seed.eq(old))
        .set(signing_keys::sealed_seed.eq(new))
        .execute(connection)
        .await?;
    Ok(())
}
