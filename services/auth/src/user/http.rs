use actix_web::{
    HttpResponse, delete, patch, post,
    web::{Data, Json, Path},
};
use audit::Origin;
use contract_auth::{Ban, Roles, UserChange, UserDetails};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::{Timestamp, UserId};
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{UserError, act, browse, rules};
use crate::{permissions::AdministerAuth, rights};

/// The refusal to leave nobody who administers.
#[derive(utoipa::IntoResponses)]
#[response(status = 409, description = "Nobody else administers", content_type = "application/problem+json")]
#[expect(dead_code, reason = "only its documentation is used")]
struct LastOne(#[to_schema] Problem);

/// Bans a user: their sessions end, their keys and tokens open nothing, everywhere
/// within a second. Who is banned already stays so, for the same reason as before.
#[utoipa::path(
    tag = "Administration",
    request_body = Ban,
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Banned"), LastOne, Credentialed, Bodied, NotFound, Keyed),
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
    rules::may_end(caller.user, user)?;
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
    tag = "Administration",
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
    tag = "Administration",
    request_body = Roles,
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 200, description = "The roles as they are now", body = Roles),
              LastOne, Credentialed, Bodied, NotFound, Keyed),
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

/// Changes a user: what is absent stays, `null` clears. Whether the address is verified
/// decides what they may do: if that changes, their tokens are void.
#[utoipa::path(
    tag = "Administration",
    request_body = UserChange,
    params(("id" = UserId, Path, description = "Which user")),
    responses((status = 200, description = "The user as they are now", body = UserDetails),
              LastOne, Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[patch("/api/v1/admin/users/{id}")]
pub(crate) async fn patch_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    body: Strict<UserChange>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<UserDetails>, HttpError> {
    let (by, user, change) = (origin.caller(&caller), id.into_inner(), rules::accept_change(body.0)?);
    let (changed, voided) = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            let voided = act::change(connection, &by, user, &change, Timestamp::now()).await?;
            let changed = browse::store::find(connection, user).await?.ok_or(UserError::Unknown)?;
            Ok::<_, UserError>((changed, voided))
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(changed))
}

/// Ends all sessions of a user and voids what else they have in hand: tokens, and links
/// that were mailed. Their password and their API keys go on: a ban ends those.
#[utoipa::path(
    tag = "Administration",
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Signed out"), Credentialed, NotFound, Keyed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/sign-out")]
pub(crate) async fn sign_out_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let mut voided = Vec::new();
    let reply = once
        .run(&db, async |connection| {
            rights::store::require_live(connection, &caller).await?;
            voided = act::sign_out(connection, &origin.caller(&caller), *id, Timestamp::now()).await?;
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}

/// Deletes a user with all that hangs on them, at once and for good. Nobody deletes
/// themselves by this.
#[utoipa::path(
    tag = "Administration",
    params(("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Deleted"), LastOne, Credentialed, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[delete("/api/v1/admin/users/{id}")]
pub(crate) async fn delete_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (by, user) = (origin.caller(&caller), id.into_inner());
    rules::may_end(caller.user, user)?;
    let voided = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            act::delete(connection, &by, user).await
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}
