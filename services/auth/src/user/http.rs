use actix_web::{
    HttpResponse, post,
    web::{Data, Json, Path},
};
use audit::Origin;
use contract_auth::{Ban, Roles};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::{Timestamp, UserId};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{act, rules};
use crate::{permissions::AdministerAuth, rights};

/// Bans a user: their sessions end, their keys and tokens open nothing, everywhere
/// within a second. Who is banned already stays so, for the same reason as before.
#[utoipa::path(
    tag = "admin",
    request_body = Ban,
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Banned"), Credentialed, Bodied, NotFound, Keyed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/ban")]
pub(crate) async fn ban_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    body: Strict<Ban>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (by, user) = (origin.caller(&caller), id.into_inner());
    let why = rules::accept_reason(&body.0.reason)?;
    rules::may_ban(caller.user, user)?;
    let mut voided = Vec::new();
    let reply = once
        .run(&db, async |connection| {
            rights::store::require_live(connection, &caller).await?;
            voided = act::ban(connection, &by, user, &why, Timestamp::now()).await?;
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}

/// Lets a banned user in again: they log in anew, and their keys open what they did.
#[utoipa::path(
    tag = "admin",
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Not banned"), Credentialed, NotFound, Keyed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/unban")]
pub(crate) async fn unban_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    db: Data<Db>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |connection| {
        rights::store::require_live(connection, &caller).await?;
        act::unban(connection, &origin.caller(&caller), *id, Timestamp::now()).await?;
        Ok(HttpResponse::NoContent())
    })
    .await
}

/// Gives a user exactly these roles, and `USER`, which everybody has. If that changes
/// anything, their tokens are void, and a refresh brings the new rights.
#[utoipa::path(
    tag = "admin",
    request_body = Roles,
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 200, description = "The roles as they are now", body = Roles), Credentialed, Bodied, NotFound, Keyed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/roles")]
pub(crate) async fn set_user_roles(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    body: Strict<Roles>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (by, user) = (origin.caller(&caller), id.into_inner());
    let roles = rules::accept_roles(caller.user, user, body.0.roles)?;
    let mut voided = Vec::new();
    let reply = once
        .run(&db, async |connection| {
            rights::store::require_live(connection, &caller).await?;
            voided = act::set_roles(connection, &by, user, &roles).await?;
            Ok(Json(Roles { roles: roles.into_iter().collect() }))
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}
