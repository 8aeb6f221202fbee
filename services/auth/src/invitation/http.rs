//! Invitations as those who manage members see them.

use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_auth::{Invitation, InvitationList, NewInvitation, audited};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::{InvitationId, OrgId, Timestamp};
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{InvitationError, act, rules, store};
use crate::{
    membership,
    organization::Limits,
    permissions::{ReadOrganizations, WriteOrganizations},
};

const LIST: &str = "invitations";

/// Invites whoever has an address, with a mail. It makes no difference whether the address
/// has an account. The role is below the caller's, whose own address is verified. An address gets
/// five mails an hour from an organisation, however many invitations are taken back.
#[utoipa::path(
    tag = "Organisations",
    request_body = NewInvitation,
    params(idempotency::Key, ("id" = OrgId, Path, description = "Which organisation")),
    responses(
        (status = 201, description = "The invitation, which is on its way", body = Invitation),
        (status = 409, description = "Invited or a member already, or there are the most", body = Problem,
         content_type = "application/problem+json"),
        (status = 429, description = "The address was sent five in an hour", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Bodied, NotFound, Keyed
    ),
    security(("bearer" = ["orgs:write"]), ("api_key" = ["orgs:write"]))
)]
#[post("/api/v1/orgs/{id}/invitations")]
pub(crate) async fn create_invitation(
    caller: Can<WriteOrganizations>,
    org: Path<OrgId>,
    body: Strict<NewInvitation>,
    db: Data<Db>,
    limits: Data<Limits>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let NewInvitation { email, role } = body.0;
    let email = rules::accept(&email)?;
    once.run(&db, async |connection| {
        let by = membership::act::hold(connection, &caller, *org).await?;
        let made = act::invite(connection, &by, (&email, &role), &limits, Timestamp::now()).await?;
        let entry = Entry::of(audited::INVITATION_SENT).on(made.id).in_org(*org).with("role", role);
        audit::record(connection, &origin.caller(&caller), entry).await?;
        Ok(Created(made))
    })
    .await
}

/// Lists the invitations that wait, for those who manage members, the latest first.
#[utoipa::path(
    tag = "Organisations",
    params(PageQuery, ("id" = OrgId, Path, description = "Which organisation")),
    responses((status = 200, description = "A page of invitations", body = InvitationList), Credentialed, Queried, NotFound),
    security(("bearer" = ["orgs:read"]), ("api_key" = ["orgs:read"]))
)]
#[get("/api/v1/orgs/{id}/invitations")]
pub(crate) async fn list_invitations(
    caller: Can<ReadOrganizations>,
    org: Path<OrgId>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<InvitationList>, HttpError> {
    let page = query.page(LIST)?;
    let mut connection = db.connection().await?;
    membership::act::enter(&mut connection, &caller, *org).await?.require_manager()?;
    let mut data = store::list(&mut connection, *org, page, Timestamp::now()).await?;
    let next_cursor = page.cut(LIST, &mut data, |invitation| invitation.id.uuid());
    Ok(Json(InvitationList { data, next_cursor }))
}

/// Takes an invitation back: its link works no longer.
#[utoipa::path(
    tag = "Organisations",
    params(
        ("id" = OrgId, Path, description = "Which organisation"),
        ("invitation_id" = InvitationId, Path, description = "Which invitation")
    ),
    responses((status = 204, description = "Revoked"), Credentialed, NotFound),
    security(("bearer" = ["orgs:write"]), ("api_key" = ["orgs:write"]))
)]
#[delete("/api/v1/orgs/{id}/invitations/{invitation_id}")]
pub(crate) async fn delete_invitation(
    caller: Can<WriteOrganizations>,
    path: Path<(OrgId, InvitationId)>,
    db: Data<Db>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (org, id) = path.into_inner();
    db.transaction(async |connection| {
        let by = membership::act::hold(connection, &caller, org).await?;
        act::revoke(connection, &by, id).await?;
        let entry = Entry::of(audited::INVITATION_REVOKED).on(id).in_org(org);
        Ok::<_, InvitationError>(audit::record(connection, &origin.caller(&caller), entry).await?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Mails an invitation once more, for another seven days and with a new link; at most once a
/// minute.
#[utoipa::path(
    tag = "Organisations",
    params(
        idempotency::Key,
        ("id" = OrgId, Path, description = "Which organisation"),
        ("invitation_id" = InvitationId, Path, description = "Which invitation")
    ),
    responses(
        (status = 200, description = "The invitation as it is now", body = Invitation),
        (status = 429, description = "Its mail was asked for just now", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, NotFound, Keyed
    ),
    security(("bearer" = ["orgs:write"]), ("api_key" = ["orgs:write"]))
)]
#[post("/api/v1/orgs/{id}/invitations/{invitation_id}/resend")]
pub(crate) async fn resend_invitation(
    caller: Can<WriteOrganizations>,
    path: Path<(OrgId, InvitationId)>,
    db: Data<Db>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (org, id) = path.into_inner();
    once.run(&db, async |connection| {
        let by = membership::act::hold(connection, &caller, org).await?;
        let renewed = act::resend(connection, &by, id, Timestamp::now()).await?;
        let entry = Entry::of(audited::INVITATION_SENT).on(id).in_org(org).with("again", true);
        audit::record(connection, &origin.caller(&caller), entry).await?;
        Ok(Json(renewed))
    })
    .await
}
