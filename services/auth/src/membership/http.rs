use actix_web::{
    HttpResponse, delete, get, patch, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_auth::{Member, MemberChange, MemberList, Transfer, audited};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::{OrgId, Timestamp, UserId};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{MembershipError, act, rules, store};
use crate::{
    organization::Limits,
    permissions::{ReadOrganizations, WriteAuth, WriteOrganizations},
    session,
};

const LIST: &str = "members";

/// Lists the members of an organisation of the caller. Addresses are shown to those who
/// manage members.
#[utoipa::path(
    tag = "Organisations",
    params(PageQuery, ("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 200, description = "A page of members", body = MemberList), Credentialed, Queried, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read"]))
)]
#[get("/api/v1/orgs/{id}/members")]
pub(crate) async fn list_members(
    caller: Can<ReadOrganizations>,
    org: Path<OrgId>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<MemberList>, HttpError> {
    let page = query.page(LIST)?;
    let mut connection = db.connection().await?;
    let by = act::enter(&mut connection, &caller, *org).await?;
    by.require_reader()?;
    let mut data = store::list(&mut connection, *org, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |member| member.user_id.uuid());
    let data = data.into_iter().map(|member| rules::shown_to(&by, member)).collect();
    Ok(Json(MemberList { data, next_cursor }))
}

/// Gives a member another role: one below the caller's, to somebody below the caller. If that
/// changes anything, their tokens are void, and a refresh brings the new rights.
#[utoipa::path(
    tag = "Organisations",
    request_body = MemberChange,
    params(
        ("id" = OrgId, Path, description = "Which organisation"),
        ("user_id" = UserId, Path, description = "Which member")
    ),
    responses((status = 200, description = "The member as they are now", body = Member), Credentialed, Bodied, NotFound),
    security(("bearer" = ["orgs:write"]), ("api_key" = ["orgs:write"]))
)]
#[patch("/api/v1/orgs/{id}/members/{user_id}")]
pub(crate) async fn patch_member(
    caller: Can<WriteOrganizations>,
    path: Path<(OrgId, UserId)>,
    body: Strict<MemberChange>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<Member>, HttpError> {
    let (org, user) = path.into_inner();
    let role = body.0.role;
    let (member, voided) = db
        .transaction(async |connection| {
            let by = act::hold(connection, &caller, org).await?;
            let voided = act::change_role(connection, &by, user, &role).await?;
            if voided.is_some() {
                let entry = Entry::of(audited::MEMBER_ROLE_CHANGED).on(user).in_org(org).with("to", role);
                audit::record(connection, &origin.caller(&caller), entry).await?;
            }
            let member = store::find(connection, org, user).await?.ok_or(MembershipError::UnknownMember)?;
            Ok::<_, MembershipError>((rules::shown_to(&by, member), voided.unwrap_or_default()))
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(member))
}

/// Removes a member who is below the caller. Their tokens are void, their API keys and
/// invitations in the organisation gone, and their sessions in it go on in their personal
/// organisation.
#[utoipa::path(
    tag = "Organisations",
    params(
        ("id" = OrgId, Path, description = "Which organisation"),
        ("user_id" = UserId, Path, description = "Which member")
    ),
    responses((status = 204, description = "Removed"), Credentialed, NotFound),
    security(("bearer" = ["orgs:write"]), ("api_key" = ["orgs:write"]))
)]
#[delete("/api/v1/orgs/{id}/members/{user_id}")]
pub(crate) async fn delete_member(
    caller: Can<WriteOrganizations>,
    path: Path<(OrgId, UserId)>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (org, user) = path.into_inner();
    let voided = db
        .transaction(async |connection| {
            let by = act::hold(connection, &caller, org).await?;
            let voided = act::remove(connection, &by, user).await?;
            let entry = Entry::of(audited::MEMBER_REMOVED).on(user).in_org(org);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok::<_, MembershipError>(voided)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}

/// Leaves an organisation, as if removed. Its owner cannot: they hand it over first.
#[utoipa::path(
    tag = "Organisations",
    params(idempotency::Key, ("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 204, description = "Left"), Credentialed, NotFound, Keyed),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/orgs/{id}/leave")]
pub(crate) async fn leave_organization(
    caller: Can<WriteAuth>,
    org: Path<OrgId>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let mut voided = Vec::new();
    let reply = once
        .run(&db, async |connection| {
            let member = act::hold(connection, &caller, *org).await?;
            voided = act::leave(connection, &member).await?;
            let entry = Entry::of(audited::MEMBER_LEFT).on(caller.user).in_org(*org);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}

/// Hands an organisation over to a member; who owned it becomes an `admin`. Both get new
/// rights, so their tokens are void. The login must be at most 15 minutes old.
#[utoipa::path(
    tag = "Organisations",
    request_body = Transfer,
    params(idempotency::Key, ("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 204, description = "It is theirs"), Credentialed, Bodied, NotFound, Keyed),
    security(("bearer" = ["orgs:write"]))
)]
#[post("/api/v1/orgs/{id}/transfer")]
#[expect(clippy::too_many_arguments, reason = "each is of the request, or of the process")]
pub(crate) async fn transfer_organization(
    caller: Can<WriteOrganizations>,
    org: Path<OrgId>,
    body: Strict<Transfer>,
    db: Data<Db>,
    limits: Data<Limits>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let to = body.0.user_id;
    let mut voided = Vec::new();
    let reply = once
        .run(&db, async |connection| {
            let owner = act::hold(connection, &caller, *org).await?;
            owner.require_owner()?;
            session::act::require_fresh(connection, &caller, Timestamp::now()).await?;
            if let Some(void) = act::transfer(connection, &owner, to, limits.owned).await? {
                voided = void;
                let entry = Entry::of(audited::ORGANIZATION_TRANSFERRED).on(*org).in_org(*org);
                let entry = entry.with("to", to.to_string());
                audit::record(connection, &origin.caller(&caller), entry).await?;
            }
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}
