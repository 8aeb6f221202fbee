//! A session moves to another organisation of its user.

use actix_web::{
    post,
    web::{Data, Json},
};
use audit::{Entry, Origin};
use contract_auth::{SwitchOrg, SwitchedOrg, audited};
use identity::{Can, Revocation, Revocations};
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{Minting, SessionError, store};
use crate::{membership, permissions::WriteAuth, revocation, rights};

/// Moves the caller's session to another organisation of theirs, until it is moved again.
///
/// Access tokens of before are void: a session acts in one organisation. The answer has the
/// next one, unless a cookie carries the session. The refresh token stays as it is, and gives
/// tokens for the new organisation: who holds an access token for some minutes gets nothing
/// here that lasts longer.
#[utoipa::path(
    tag = "Sessions",
    request_body = SwitchOrg,
    responses((status = 200, description = "A token for that organisation", body = SwitchedOrg), Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/switch-org")]
pub(crate) async fn switch_org(
    caller: Can<WriteAuth>,
    body: Strict<SwitchOrg>,
    db: Data<Db>,
    tokens: Data<Minting>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<SwitchedOrg>, HttpError> {
    let session = caller.session()?;
    let (org, now) = (body.0.org_id, Timestamp::now());
    let (access_token, voided) = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            if !membership::store::hold(connection, org, caller.user).await? {
                return Err(SessionError::UnknownOrganization);
            }
            let owner = store::switch(connection, caller.user, session, org).await?;
            let owner = owner.ok_or(SessionError::Over)?;
            let void = vec![Revocation::of_session_before(session, owner.version)];
            let voided = revocation::write(connection, void, "switch of organisation").await?;
            let entry = Entry::of(audited::SESSION_SWITCHED).on(session).in_org(org);
            let entry = entry.with("from", caller.org.to_string());
            audit::record(connection, &origin.caller(&caller), entry).await?;
            let token = tokens.access_token(connection, &owner, session, now).await?;
            Ok::<_, SessionError>((token, voided))
        })
        .await?;
    revocations.hear(voided);
    let expires_in = access_token.is_some().then(|| tokens.expires_in());
    Ok(Json(SwitchedOrg { org_id: org, access_token, expires_in }))
}
