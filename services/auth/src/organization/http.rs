use actix_web::{
    HttpResponse, delete, get, patch, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_auth::{NewOrganization, Organization, OrganizationChange, OrganizationList, audited};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::{OrgId, Timestamp};
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{Limits, OrganizationError, act, rules, store};
use crate::{
    membership::{self, MembershipError},
    permissions::{ReadOrganizations, WriteOrganizations},
    rights, session,
};

const LIST: &str = "organizations";

/// Lists the caller's organisations, with their role in each, the latest made first. An API
/// key sees its own alone.
#[utoipa::path(
    tag = "Organisations",
    params(PageQuery),
    responses((status = 200, description = "A page of organisations", body = OrganizationList), Credentialed, Queried),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read"]))
)]
#[get("/api/v1/orgs")]
pub(crate) async fn list_organizations(
    caller: Can<ReadOrganizations>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<OrganizationList>, HttpError> {
    let page = query.page(LIST)?;
    let only = caller.session().is_err().then_some(caller.org);
    let mut connection = db.connection().await?;
    let mut data = store::list(&mut connection, caller.user, only, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |organization| organization.id.uuid());
    Ok(Json(OrganizationList { data, next_cursor }))
}

/// Makes an organisation. The caller owns it; to act in it, they switch to it.
#[utoipa::path(
    tag = "Organisations",
    request_body = NewOrganization,
    params(idempotency::Key),
    responses(
        (status = 201, description = "The organisation", body = Organization),
        (status = 409, description = "The slug is taken, or the caller owns the most", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Bodied, Keyed
    ),
    security(("bearer" = ["orgs:write"]))
)]
#[post("/api/v1/orgs")]
pub(crate) async fn create_organization(
    caller: Can<WriteOrganizations>,
    body: Strict<NewOrganization>,
    db: Data<Db>,
    limits: Data<Limits>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let new = rules::accept(body.0)?;
    once.run(&db, async |connection| {
        rights::store::hold_live(connection, &caller).await?;
        let org = act::create(connection, caller.user, &new, limits.owned, Timestamp::now()).await?;
        let entry = Entry::of(audited::ORGANIZATION_CREATED).on(org).in_org(org);
        audit::record(connection, &origin.caller(&caller), entry).await?;
        let made = store::find(connection, org, caller.user).await?.ok_or(MembershipError::Unknown)?;
        Ok(Created(made))
    })
    .await
}

/// Reads an organisation of the caller.
#[utoipa::path(
    tag = "Organisations",
    params(("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 200, description = "The organisation", body = Organization), Credentialed, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read"]))
)]
#[get("/api/v1/orgs/{id}")]
pub(crate) async fn get_organization(
    caller: Can<ReadOrganizations>,
    org: Path<OrgId>,
    db: Data<Db>,
) -> Result<Json<Organization>, HttpError> {
    let mut connection = db.connection().await?;
    let member = membership::act::enter(&mut connection, &caller, *org).await?;
    let found = store::find(&mut connection, member.org, member.user).await?;
    Ok(Json(found.ok_or(MembershipError::Unknown)?))
}

/// Changes an organisation that the caller manages: what is absent stays.
#[utoipa::path(
    tag = "Organisations",
    request_body = OrganizationChange,
    params(("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 200, description = "The organisation as it is now", body = Organization), Credentialed, Bodied, NotFound),
    security(("bearer" = ["orgs:write"]), ("api_key" = ["orgs:write"]))
)]
#[patch("/api/v1/orgs/{id}")]
pub(crate) async fn patch_organization(
    caller: Can<WriteOrganizations>,
    org: Path<OrgId>,
    body: Strict<OrganizationChange>,
    db: Data<Db>,
    origin: Origin,
) -> Result<Json<Organization>, HttpError> {
    let change = rules::accept_change(body.0)?;
    let changed = db
        .transaction(async |connection| {
            membership::act::hold(connection, &caller, *org).await?.require_manager()?;
            act::change(connection, *org, &change, Timestamp::now()).await?;
            let entry = Entry::of(audited::ORGANIZATION_CHANGED).on(*org).in_org(*org);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            let changed = store::find(connection, *org, caller.user).await?;
            Ok::<_, OrganizationError>(changed.ok_or(MembershipError::Unknown)?)
        })
        .await?;
    Ok(Json(changed))
}

/// Deletes an organisation that the caller owns, with all that is its own, in every service.
///
/// It cannot be undone, so the login must be at most 15 minutes old, and an API key is not
/// enough. A personal organisation goes with the account.
#[utoipa::path(
    tag = "Organisations",
    params(("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 204, description = "Deleted"), Credentialed, NotFound),
    security(("bearer" = ["orgs:write"]))
)]
#[delete("/api/v1/orgs/{id}")]
pub(crate) async fn delete_organization(
    caller: Can<WriteOrganizations>,
    org: Path<OrgId>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let voided = db
        .transaction(async |connection| {
            membership::act::hold(connection, &caller, *org).await?.require_owner()?;
            session::act::require_fresh(connection, &caller, Timestamp::now()).await?;
            let voided = act::delete(connection, *org).await?;
            let entry = Entry::of(audited::ORGANIZATION_DELETED).on(*org).in_org(*org);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok::<_, OrganizationError>(voided)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}
