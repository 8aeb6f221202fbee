//! All SQL of secrets: each query names the organisation that their endpoint belongs to.

use contract_webhook::EndpointId;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Binary, Integer, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::{Id, Kind, OrgId, Timestamp};
use sealing::Keyring;
use service_kit::db::statement;

use crate::{endpoint::EndpointError, signing::SigningSecret};

/// The kind of a secret's id, which no client sees.
#[derive(Debug)]
pub(crate) enum SecretKind {}

impl Kind for SecretKind {
    const PREFIX: &'static str = "whs";
    const NAME: &'static str = "SecretId";
}

/// The id of a secret; the newest is the greatest.
pub(crate) type SecretId = Id<SecretKind>;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: SecretId,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<Timestamp>,
}

/// A secret that signs.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) secret: SigningSecret,
    /// None for the one that stays.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Those that sign at the moment, the newest first: the one that stays, then those that retire.
pub(crate) async fn held(
    conn: &mut AsyncPgConnection,
    keyring: &Keyring,
    (org, endpoint): (OrgId, EndpointId),
) -> Result<Vec<Held>, EndpointError> {
    let sql = "
        SELECT id, sealed, expires_at FROM endpoint_secrets
        WHERE org_id = $1 AND endpoint_id = $2 AND (expires_at IS NULL OR expires_at > now())
        ORDER BY id DESC";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(endpoint);
    let held =
        |Row { id, sealed, expires_at }: Row| Ok(Held { secret: open(keyring, id, &sealed)?, expires_at });
    query.load::<Row>(conn).await?.into_iter().map(held).collect()
}

/// Opens secrets as they are stored.
pub(crate) fn open_all(
    keyring: &Keyring,
    ids: &[SecretId],
    sealed: &[Vec<u8>],
) -> Result<Vec<SigningSecret>, EndpointError> {
    ids.iter().zip(sealed).map(|(id, sealed)| open(keyring, *id, sealed)).collect()
}

fn open(keyring: &Keyring, id: SecretId, sealed: &[u8]) -> Result<SigningSecret, EndpointError> {
    let bytes = keyring.open(name(id).as_bytes(), sealed)?;
    SigningSecret::of(bytes).map_err(|_why| EndpointError::Broken)
}

/// Adds the secret that stays.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    keyring: &Keyring,
    (org, endpoint): (OrgId, EndpointId),
    secret: &SigningSecret,
) -> Result<(), EndpointError> {
    let id = SecretId::generate();
    let sealed = keyring.seal(name(id).as_bytes(), secret.bytes())?;
    let sql = "INSERT INTO endpoint_secrets (id, org_id, endpoint_id, sealed) VALUES ($1, $2, $3, $4)";
    let query = statement(sql)
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(org)
        .bind::<SqlUuid, _>(endpoint)
        .bind::<Binary, _>(sealed);
    query.execute(conn).await?;
    Ok(())
}

/// Has the secret that stayed retire after so many seconds, and forgets those that have; how many
/// retire then.
pub(super) async fn retire(
    conn: &mut AsyncPgConnection,
    (org, endpoint): (OrgId, EndpointId),
    overlap: i32,
) -> Result<i64, EndpointError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let sql = "UPDATE endpoint_secrets SET expires_at = now() + make_interval(secs => $3)
               WHERE org_id = $1 AND endpoint_id = $2 AND expires_at IS NULL";
    let query =
        statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(endpoint).bind::<Integer, _>(overlap);
    query.execute(conn).await?;
    let sql = "DELETE FROM endpoint_secrets WHERE org_id = $1 AND endpoint_id = $2 AND expires_at <= now()";
    statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(endpoint).execute(conn).await?;
    let sql = "SELECT count(*) AS count FROM endpoint_secrets WHERE org_id = $1 AND endpoint_id = $2";
    let query = statement(sql).bind::<SqlUuid, _>(org).bind::<SqlUuid, _>(endpoint);
    Ok(query.get_result::<Count>(conn).await?.count)
}

/// What a secret is sealed for.
fn name(id: SecretId) -> String {
    format!("endpoint_secrets/{}", id.uuid())
}
