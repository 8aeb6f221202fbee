use actix_web::{HttpResponse, delete, post, web::Data};
use audit::Origin;
use contract_auth::ScheduledDeletion;
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::Timestamp;
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Credentialed, Overloaded},
};

use super::{Grace, act, error::DeletionError};
use crate::permissions::WriteAuth;

/// Deletes the caller's account with its sessions, keys and personal organisation, after a time
/// of grace.
///
/// Every session and token ends now, and API keys open nothing any more. Until `delete_at` the
/// user can still log in: such a session holds `auth:read auth:write` alone, and restores the
/// account by `POST /api/v1/auth/me/restore`. Asking again changes nothing. Where the time of
/// grace is set to none, the account goes at once.
///
/// The last proof must be at most 15 minutes old, and an API key is not enough.
#[utoipa::path(
    tag = "Accounts",
    responses(
        (status = 202, description = "It will go", body = ScheduledDeletion),
        (status = 204, description = "It is gone"),
        (status = 409, description = "The caller owns organisations with others, or nobody else administers",
         body = Problem, content_type = "application/problem+json"),
        Credentialed
    ),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/me")]
pub(crate) async fn delete_me(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    grace: Data<Grace>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let (by, now) = (origin.caller(&caller), Timestamp::now());
    let end = grace.end(now);
    let (delete_at, voided) = db
        .transaction(async |connection| match end {
            Some(at) => {
                let (at, voided) = act::schedule(connection, &caller, &by, at, now).await?;
                Ok::<_, DeletionError>((Some(at), voided))
            }
            None => Ok((None, act::delete(connection, &caller, &by, now).await?)),
        })
        .await?;
    revocations.hear(voided);
    Ok(match delete_at {
        Some(delete_at) => HttpResponse::Accepted().json(ScheduledDeletion { delete_at }),
        None => HttpResponse::NoContent().finish(),
    })
}

/// Keeps the caller's account, whose deletion waits; it changes nothing if none does.
///
/// Tokens until now are void, and a refresh brings what the user may do. API keys open again
/// what they did.
#[utoipa::path(
    tag = "Accounts",
    params(idempotency::Key),
    responses((status = 204, description = "The account stays"), Credentialed, Keyed, Overloaded),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/me/restore")]
pub(crate) async fn restore_me(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    once: Idempotency,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let mut voided = Vec::new();
    let reply = once
        .run(&db, async |connection| {
            voided = act::restore(connection, &caller, &origin.caller(&caller), Timestamp::now()).await?;
            Ok(HttpResponse::NoContent())
        })
        .await?;
    revocations.hear(voided);
    Ok(reply)
}
