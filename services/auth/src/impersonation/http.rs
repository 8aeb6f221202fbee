use actix_web::{
    HttpResponse, post,
    web::{Data, Json, Path},
};
use audit::{Entry, Origin};
use contract_auth::{Impersonate, Impersonation, audited};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::{Timestamp, UserId};
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{
    ImpersonationError,
    act::{self, Acting},
    rules,
};
use crate::{
    permissions::{AdministerAuth, ReadAuth},
    session,
    token::TokenIssuer,
};

/// Acts in a user's name for a while: an access token whose `sub` is the user and whose
/// `act.sub` is the caller.
///
/// It holds the user's scopes but for those that administer, take the account or an
/// organisation over, spend money or speak to others; it changes neither password, address
/// nor keys. Who administers is never impersonated. The user sees it among their sessions,
/// and may end it; it ends too when either of both is banned, signed out everywhere, deleted
/// or given other roles. Every entry of the audit log that it leaves says through whom.
#[utoipa::path(
    tag = "Administration",
    request_body = Impersonate,
    params(("id" = UserId, Path, description = "Which user")),
    responses(
        (status = 200, description = "The right to act in their name", body = Impersonation),
        (status = 409, description = "The user is banned", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Bodied, NotFound
    ),
    security(("bearer" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/impersonate")]
pub(crate) async fn impersonate_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    body: Strict<Impersonate>,
    db: Data<Db>,
    issuer: Data<TokenIssuer>,
    origin: Origin,
) -> Result<Json<Impersonation>, HttpError> {
    caller.session()?;
    let now = Timestamp::now();
    let shown = db
        .transaction(async |connection| {
            let acting = act::begin(connection, &caller, origin, *id, &body.0, now).await?;
            shown(&issuer, &acting, now)
        })
        .await?;
    Ok(Json(shown))
}

/// Gives who acts in a user's name another access token, as long as that lasts.
#[utoipa::path(
    tag = "Administration",
    responses((status = 200, description = "Another access token", body = Impersonation), Credentialed),
    security(("bearer" = ["auth:read"]))
)]
#[post("/api/v1/auth/impersonation/renew")]
pub(crate) async fn renew_impersonation(
    caller: Can<ReadAuth>,
    db: Data<Db>,
    issuer: Data<TokenIssuer>,
) -> Result<Json<Impersonation>, HttpError> {
    let now = Timestamp::now();
    let shown = db
        .transaction(async |connection| shown(&issuer, &act::renew(connection, &caller, now).await?, now))
        .await?;
    Ok(Json(shown))
}

/// Stops acting in a user's name: the token and its session are void.
#[utoipa::path(
    tag = "Administration",
    params(idempotency::Key),
    responses((status = 204, description = "Ended"), Credentialed, Keyed),
    security(("bearer" = ["auth:read"]))
)]
#[post("/api/v1/auth/impersonation/end")]
pub(crate) async fn end_impersonation(
    caller: Can<ReadAuth>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let (_, session) = rules::of(&caller)?;
    let mut voided = Vec::new();
    let reply = once
        .about(session)
        .run(&db, async |connection| {
            let now = Timestamp::now();
            voided = session::act::end(connection, caller.user, session, "impersonation ended", now).await?;
            let entry = Entry::of(audited::IMPERSONATION_ENDED).on(session);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}

fn shown(issuer: &TokenIssuer, acting: &Acting, now: Timestamp) -> Result<Impersonation, ImpersonationError> {
    let lifetime = rules::token_lifetime(acting.ends_at, now);
    Ok(Impersonation {
        session_id: acting.session,
        access_token: issuer.for_clients(&acting.subject, lifetime, now)?,
        token_type: "Bearer".to_owned(),
        expires_in: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        ends_at: acting.ends_at,
    })
}
