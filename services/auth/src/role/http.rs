use actix_web::{
    HttpResponse, delete, get, put,
    web::{Data, Json, Path},
};
use audit::{Entry, Origin};
use contract_auth::{PermissionList, Role, RoleDefinition, RoleList, audited};
use identity::{Can, Revocations};
use ids::Timestamp;
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{RoleError, act, rules, store};
use crate::{permissions::AdministerAuth, rights};

/// Lists every role: those of the platform, and those in organisations.
#[utoipa::path(
    tag = "Administration",
    responses((status = 200, description = "The roles", body = RoleList), Credentialed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[get("/api/v1/admin/auth/roles")]
pub(crate) async fn list_roles(
    _caller: Can<AdministerAuth>,
    db: Data<Db>,
) -> Result<Json<RoleList>, HttpError> {
    let data = store::list(&mut *db.connection().await?).await?;
    Ok(Json(RoleList { data }))
}

/// Lists every scope that roles can permit.
#[utoipa::path(
    tag = "Administration",
    responses((status = 200, description = "The scopes", body = PermissionList), Credentialed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[get("/api/v1/admin/auth/permissions")]
pub(crate) async fn list_permissions(
    _caller: Can<AdministerAuth>,
    db: Data<Db>,
) -> Result<Json<PermissionList>, HttpError> {
    let data = store::permissions(&mut *db.connection().await?).await?;
    Ok(Json(PermissionList { data }))
}

/// Makes a role, or says what it permits from now on. If that is not what it was, the tokens
/// of all who hold it are void within a second, and a refresh brings the new rights.
#[utoipa::path(
    tag = "Administration",
    request_body = RoleDefinition,
    params(("name" = String, Path, description = "AUDITOR: of the platform; auditor: in organisations")),
    responses((status = 200, description = "The role as it is now", body = Role), Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[put("/api/v1/admin/auth/roles/{name}")]
pub(crate) async fn put_role(
    caller: Can<AdministerAuth>,
    name: Path<String>,
    body: Strict<RoleDefinition>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<Role>, HttpError> {
    let accepted = rules::accept(&name, body.0)?;
    let (role, voided) = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            let (role, voided) = act::define(connection, &name, accepted, Timestamp::now()).await?;
            let entry = Entry::of(audited::ROLE_DEFINED).on(&role.name).with("scopes", role.scopes.clone());
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok::<_, RoleError>((role, voided))
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(role))
}

/// Deletes a role that nobody holds and nobody is invited to.
#[utoipa::path(
    tag = "Administration",
    params(("name" = String, Path, description = "Which role")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 409, description = "Somebody holds it, or it is Plinth's own", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, NotFound
    ),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[delete("/api/v1/admin/auth/roles/{name}")]
pub(crate) async fn delete_role(
    caller: Can<AdministerAuth>,
    name: Path<String>,
    db: Data<Db>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    db.transaction(async |connection| {
        rights::store::require_live(connection, &caller).await?;
        rights::store::hold_permitted(connection).await?;
        store::remove(connection, &name).await?;
        let entry = Entry::of(audited::ROLE_DELETED).on(&*name);
        Ok::<_, RoleError>(audit::record(connection, &origin.caller(&caller), entry).await?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
