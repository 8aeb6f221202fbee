//! Who may use a resource, as its administrators say.

use actix_web::{
    HttpResponse, delete, get, put,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_auth::{ResourceId, ResourceLevel, ResourcePermission, ResourcePermissionList, audited};
use identity::Can;
use ids::{OrgId, Timestamp, UserId};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{ResourceError, act, store};
use crate::permissions::ReadOrganizations;

const LIST: &str = "resource-permissions";

/// Lists who may use a resource, for those who decide about it: who manages the organisation
/// (with `orgs:write`), and members with the level `admin` on it.
#[utoipa::path(
    tag = "Organisations",
    params(
        PageQuery,
        ("id" = OrgId, Path, description = "Which organisation"),
        ("resource" = ResourceId, Path, description = "Any id of any service")
    ),
    responses((status = 200, description = "A page of leaves", body = ResourcePermissionList), Credentialed, Queried, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read", "orgs:write"]))
)]
#[get("/api/v1/orgs/{id}/resources/{resource}/permissions")]
pub(crate) async fn list_resource_permissions(
    caller: Can<ReadOrganizations>,
    path: Path<(OrgId, ResourceId)>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<ResourcePermissionList>, HttpError> {
    let page = query.page(LIST)?;
    let (org, resource) = path.into_inner();
    let mut connection = db.connection().await?;
    let restricted = act::enter(&mut connection, &caller, org, &resource).await?.restricted;
    let mut data = store::list(&mut connection, org, &resource, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |leave| leave.user_id.uuid());
    Ok(Json(ResourcePermissionList { restricted, data, next_cursor }))
}

/// Gives a member a leave for a resource. From the first one on only those who have a leave
/// may use it, and who manages the organisation, each as far as their scopes go.
#[utoipa::path(
    tag = "Organisations",
    request_body = ResourceLevel,
    params(
        ("id" = OrgId, Path, description = "Which organisation"),
        ("resource" = ResourceId, Path, description = "Any id of any service"),
        ("user_id" = UserId, Path, description = "Which member")
    ),
    responses((status = 200, description = "The leave", body = ResourcePermission), Credentialed, Bodied, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read", "orgs:write"]))
)]
#[put("/api/v1/orgs/{id}/resources/{resource}/permissions/{user_id}")]
pub(crate) async fn put_resource_permission(
    caller: Can<ReadOrganizations>,
    path: Path<(OrgId, ResourceId, UserId)>,
    body: Strict<ResourceLevel>,
    db: Data<Db>,
    origin: Origin,
) -> Result<Json<ResourcePermission>, HttpError> {
    let (org, resource, user_id) = path.into_inner();
    let level = body.0.level;
    let (granted_by, updated_at) = (Some(caller.user), Timestamp::now());
    let leave = ResourcePermission { user_id, level, granted_by, updated_at };
    db.transaction(async |connection| {
        act::hold(connection, &caller, org, &resource).await?;
        act::permit(connection, org, &resource, &leave).await?;
        let entry = Entry::of(audited::RESOURCE_RESTRICTED).on(&resource).in_org(org);
        let entry = entry.with("user", user_id.to_string()).with("level", level.name());
        Ok::<_, ResourceError>(audit::record(connection, &origin.caller(&caller), entry).await?)
    })
    .await?;
    Ok(Json(leave))
}

/// Takes a member's leave for a resource, which stays restricted: also when it was the last.
#[utoipa::path(
    tag = "Organisations",
    params(
        ("id" = OrgId, Path, description = "Which organisation"),
        ("resource" = ResourceId, Path, description = "Any id of any service"),
        ("user_id" = UserId, Path, description = "Which member")
    ),
    responses((status = 204, description = "They have none"), Credentialed, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read", "orgs:write"]))
)]
#[delete("/api/v1/orgs/{id}/resources/{resource}/permissions/{user_id}")]
pub(crate) async fn delete_resource_permission(
    caller: Can<ReadOrganizations>,
    path: Path<(OrgId, ResourceId, UserId)>,
    db: Data<Db>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (org, resource, user) = path.into_inner();
    db.transaction(async |connection| {
        act::hold(connection, &caller, org, &resource).await?;
        act::forbid(connection, org, &resource, user).await?;
        let entry = Entry::of(audited::RESOURCE_PERMISSION_REVOKED).on(&resource).in_org(org);
        let entry = entry.with("user", user.to_string());
        Ok::<_, ResourceError>(audit::record(connection, &origin.caller(&caller), entry).await?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Opens a resource to all members again, as far as their scopes go: every leave is gone.
#[utoipa::path(
    tag = "Organisations",
    params(
        ("id" = OrgId, Path, description = "Which organisation"),
        ("resource" = ResourceId, Path, description = "Any id of any service")
    ),
    responses((status = 204, description = "It is open"), Credentialed, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read", "orgs:write"]))
)]
#[delete("/api/v1/orgs/{id}/resources/{resource}/permissions")]
pub(crate) async fn delete_resource_permissions(
    caller: Can<ReadOrganizations>,
    path: Path<(OrgId, ResourceId)>,
    db: Data<Db>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (org, resource) = path.into_inner();
    db.transaction(async |connection| {
        act::hold(connection, &caller, org, &resource).await?;
        if act::open(connection, org, &resource).await? {
            let entry = Entry::of(audited::RESOURCE_OPENED).on(&resource).in_org(org);
            audit::record(connection, &origin.caller(&caller), entry).await?;
        }
        Ok::<_, ResourceError>(())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
