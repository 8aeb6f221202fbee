use actix_web::{
    HttpResponse, post,
    web::{Data, Json},
};
use audit::{Entry, Origin};
use contract_auth::{Accepted, MailProof, Settled, audited};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::Timestamp;
use problem::{HttpError, Problem};
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Overloaded, Strict, Unauthenticated},
};

use crate::{
    account,
    one_time::{self, Purpose},
    permissions::WriteAuth,
    proof::{self, Letter, ProofError},
    rights::{self, RightsError},
};

/// Verifies the address of an account by the token of the link that its registration mails.
///
/// The tokens from before are void, and the next ones (a refresh brings them) hold what
/// waited for it.
#[utoipa::path(
    tag = "Accounts",
    request_body = MailProof,
    responses((status = 200, description = "Verified", body = Settled), Unauthenticated, Bodied, Overloaded)
)]
#[post("/api/v1/auth/verify-email")]
pub(crate) async fn verify_email(
    body: Strict<MailProof>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<Settled>, HttpError> {
    let purpose = Purpose::VerifyEmail;
    let id = one_time::open(&keyring, purpose, body.0.token.expose())?;
    let voided = db
        .transaction(async |connection| {
            let shown = proof::act::show(connection, purpose, id, Timestamp::now()).await?;
            let holder = shown.at_its_address()?;
            let by = origin.anybody(holder.id.to_string());
            audit::record(connection, &by, Entry::of(audited::EMAIL_VERIFIED).on(holder.id)).await?;
            Ok::<_, ProofError>(account::act::verify(connection, holder.id).await?)
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(Settled { status: "verified".to_owned() }))
}

/// Mails the caller another link that verifies their address; at most five an hour.
#[utoipa::path(
    tag = "Accounts",
    params(idempotency::Key),
    responses(
        (status = 202, description = "A mail is on its way", body = Accepted),
        (status = 409, description = "The address is verified, or the key is in use", body = Problem,
         content_type = "application/problem+json"),
        (status = 429, description = "Too many of these mails", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Keyed
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/verify-email/resend")]
pub(crate) async fn resend_verification(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    once: Idempotency,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let now = Timestamp::now();
    once.run(&db, async |connection| {
        rights::store::require_live(connection, &caller).await?;
        let holder = proof::store::lock(connection, caller.user).await?.ok_or(RightsError::Ended)?;
        if holder.verified {
            return Err(ProofError::AlreadyVerified.into());
        }
        proof::act::require_room(connection, holder.id, Letter::VerifyEmail.kind(), now).await?;
        proof::act::mail(connection, &holder, Letter::VerifyEmail, now).await?;
        Ok(HttpResponse::Accepted().json(Accepted::of("a mail with a link is on its way")))
    })
    .await
}
