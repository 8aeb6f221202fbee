use actix_web::{
    HttpResponse, post,
    web::{Data, Json, Path},
};
use contract_auth::{Ban, Roles};
use identity::{Can, Revocations};
use ids::{Timestamp, UserId};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{rules, store};
use crate::permissions::AdministerAuth;

/// Bans a user: their sessions end, their keys and tokens open nothing, everywhere
/// within a second. Who is banned already stays so, for the same reason as before.
#[utoipa::path(
    tag = "admin",
    request_body = Ban,
    params(("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Banned"), Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/ban")]
pub(crate) async fn ban_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    body: Strict<Ban>,
    db: Data<Db>,
    revocations: Data<Revocations>,
) -> Result<HttpResponse, HttpError> {
    let why = rules::accept_reason(&body.0.reason)?;
    rules::may_ban(caller.user, *id)?;
    let voided =
        db.transaction(async |connection| store::ban(connection, *id, &why, Timestamp::now()).await).await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}

/// Lets a banned user in again: they log in anew, and their keys open what they did.
#[utoipa::path(
    tag = "admin",
    params(("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Not banned"), Credentialed, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/unban")]
pub(crate) async fn unban_user(
    _caller: Can<AdministerAuth>,
    id: Path<UserId>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    db.transaction(async |connection| store::unban(connection, *id, Timestamp::now()).await).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a user exactly these roles, and `USER`, which everybody has. If that changes
/// anything, their tokens are void, and a refresh brings the new rights.
#[utoipa::path(
    tag = "admin",
    request_body = Roles,
    params(("id" = UserId, Path, description = "Which user")),
    responses((status = 200, description = "The roles as they are now", body = Roles), Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/roles")]
pub(crate) async fn set_user_roles(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    body: Strict<Roles>,
    db: Data<Db>,
    revocations: Data<Revocations>,
) -> Result<Json<Roles>, HttpError> {
    let roles = rules::accept_roles(caller.user, *id, body.0.roles)?;
    let voided = db.transaction(async |connection| store::set_roles(connection, *id, &roles).await).await?;
    revocations.hear(voided);
    Ok(Json(Roles { roles: roles.into_iter().collect() }))
}
