use std::{sync::LazyLock, time::Duration};

use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Timestamptz, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ids::Timestamp;
use service_kit::db::{self, statement};

use super::Owner;
use crate::{
    rights::store::{STANDING, Standing},
    session::RefreshToken,
};

/// A session that was moved on, and what its user may do as of then.
#[derive(QueryableByName)]
pub(in crate::session) struct Rotated {
    #[diesel(embed)]
    pub(in crate::session) owner: Owner,
    #[diesel(embed)]
    pub(in crate::session) standing: Standing,
}

/// Moves the session on from exactly this token, if it is the current one and the
/// session is alive: of many at once, one does. In one statement with what comes next, for
/// this is what clients ask for most; who is no member any more has moved on, too, and gets
/// none.
pub(in crate::session) async fn rotate(
    connection: &mut AsyncPgConnection,
    token: &RefreshToken,
    idle: Duration,
    now: Timestamp,
) -> db::Result<Option<Rotated>> {
    static ROTATE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH owner AS (
                 UPDATE sessions SET counter = $2 + 1, rotated_at = $4
                 WHERE id = $1 AND counter = $2 AND rotated_at = $3 AND NOT cookie
                   AND revoked_at IS NULL AND expires_at > $4 AND rotated_at > $5
                 RETURNING user_id, org_id, expires_at, authenticated_at, methods, cookie, version
             )
             SELECT owner.*, {STANDING} FROM owner
             JOIN users u ON u.id = owner.user_id
             JOIN memberships m ON m.user_id = u.id AND m.org_id = owner.org_id"
        )
    });
    let rotated = statement(ROTATE.as_str())
        .bind::<Uuid, _>(token.session)
        .bind::<BigInt, _>(token.counter)
        .bind::<Timestamptz, _>(token.issued_at)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now - idle);
    Ok(rotated.get_result(connection).await.optional()?)
}
