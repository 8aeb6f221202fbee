use actix_web::{
    HttpResponse, post,
    web::{Data, Path},
};
use audit::{Entry, Origin};
use contract_auth::audited;
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::UserId;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound},
};

use super::{AttemptError, Attempts, Proof, store};
use crate::{permissions::AdministerAuth, rights};

/// Lets a user try passwords and codes again, whose account many wrong ones have locked.
#[utoipa::path(
    tag = "Administration",
    params(idempotency::Key, ("id" = UserId, Path, description = "Which user")),
    responses((status = 204, description = "Not locked"), Credentialed, NotFound, Keyed),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[post("/api/v1/admin/users/{id}/unlock")]
pub(crate) async fn unlock_user(
    caller: Can<AdministerAuth>,
    id: Path<UserId>,
    db: Data<Db>,
    once: Idempotency,
    attempts: Data<Attempts>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    once.run(&db, async |connection| {
        rights::store::require_live(connection, &caller).await?;
        let address = store::address_of(connection, *id).await?.ok_or(AttemptError::Unknown)?;
        attempts.forget(connection, Proof::Password, &address).await?;
        attempts.forget(connection, Proof::Code, &id.to_string()).await?;
        let entry = Entry::of(audited::USER_UNLOCKED).on(*id);
        audit::record(connection, &origin.caller(&caller), entry).await?;
        Ok(HttpResponse::NoContent())
    })
    .await
}
