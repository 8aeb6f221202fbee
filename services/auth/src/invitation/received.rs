//! Invitations as whoever is invited sees and answers them.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Query},
};
use audit::{Entry, Origin};
use contract_auth::{InvitationToken, Organization, ReceivedInvitationList, audited};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Queried, Strict},
    page::PageQuery,
};

use super::{InvitationError, act, store};
use crate::{
    membership::{self, MembershipError},
    one_time::{self, Purpose},
    organization::{self, Limits},
    permissions::{ReadAuth, WriteAuth},
    rights,
};

const LIST: &str = "received-invitations";

/// Lists the invitations to the caller's address, once that is verified, the latest first.
/// What accepts them is the token in their mail.
#[utoipa::path(
    tag = "Organisations",
    params(PageQuery),
    responses((status = 200, description = "A page of invitations", body = ReceivedInvitationList), Credentialed, Queried),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/invitations")]
pub(crate) async fn list_received_invitations(
    caller: Can<ReadAuth>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<ReceivedInvitationList>, HttpError> {
    let page = query.page(LIST)?;
    let mut connection = db.connection().await?;
    let mut data = store::received(&mut connection, caller.user, page, Timestamp::now()).await?;
    let next_cursor = page.cut(LIST, &mut data, |invitation| invitation.id.uuid());
    Ok(Json(ReceivedInvitationList { data, next_cursor }))
}

/// Joins the organisation of an invitation. It takes the account that has the invited
/// address, verified; for every other the token does nothing, and stays usable.
#[utoipa::path(
    tag = "Organisations",
    request_body = InvitationToken,
    params(idempotency::Key),
    responses((status = 200, description = "The organisation", body = Organization), Credentialed, Bodied, Keyed),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/invitations/accept")]
pub(crate) async fn accept_invitation(
    caller: Can<WriteAuth>,
    body: Strict<InvitationToken>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    limits: Data<Limits>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let token = one_time::open(&keyring, Purpose::Invitation, body.0.token.expose())?;
    once.run(&db, async |connection| {
        rights::store::require_live(connection, &caller).await?;
        let (user, now) = (caller.user, Timestamp::now());
        rights::store::require_staying(connection, user).await?;
        let (org, invitation) = act::answer(connection, user, token, now).await?;
        let role = &invitation.role;
        if !membership::act::join(connection, org, user, role, limits.members, now).await? {
            return Err(InvitationError::Member.into());
        }
        let entry = Entry::of(audited::INVITATION_ACCEPTED).on(invitation.id).in_org(org);
        let entry = entry.with("role", invitation.role);
        audit::record(connection, &origin.caller(&caller), entry).await?;
        let joined = organization::store::find(connection, org, user).await?;
        Ok(Json(joined.ok_or(MembershipError::Unknown)?))
    })
    .await
}

/// Declines an invitation; it takes the account that could accept it.
#[utoipa::path(
    tag = "Organisations",
    request_body = InvitationToken,
    params(idempotency::Key),
    responses((status = 204, description = "Declined"), Credentialed, Bodied, Keyed),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/invitations/decline")]
pub(crate) async fn decline_invitation(
    caller: Can<WriteAuth>,
    body: Strict<InvitationToken>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let token = one_time::open(&keyring, Purpose::Invitation, body.0.token.expose())?;
    once.run(&db, async |connection| {
        rights::store::require_live(connection, &caller).await?;
        let (org, invitation) = act::answer(connection, caller.user, token, Timestamp::now()).await?;
        let entry = Entry::of(audited::INVITATION_DECLINED).on(invitation.id).in_org(org);
        audit::record(connection, &origin.caller(&caller), entry).await?;
        Ok(HttpResponse::NoContent())
    })
    .await
}
