use actix_web::{
    HttpResponse, post,
    web::{Data, Json},
};
use audit::Origin;
use contract_auth::{Accepted, EmailChange, MailProof, Settled};
use idempotency::{Idempotency, Keyed};
use identity::{Can, Revocations};
use ids::Timestamp;
use problem::{HttpError, Problem};
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Overloaded, Strict, Unauthenticated},
};

use super::act;
use crate::{
    account::Email,
    one_time::{self, Purpose},
    permissions::WriteAuth,
    proof,
};

/// Asks for another address: a link that is mailed there confirms it within an hour.
///
/// The answer is the same whether or not somebody has the address. The login must be at most
/// 15 minutes old, and an API key is not enough. At most five mails an hour.
#[utoipa::path(
    tag = "Accounts",
    request_body = EmailChange,
    params(idempotency::Key),
    responses(
        (status = 202, description = "Always the same", body = Accepted),
        (status = 429, description = "Too many of these mails", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Bodied, Keyed
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/email/change")]
pub(crate) async fn change_email(
    caller: Can<WriteAuth>,
    body: Strict<EmailChange>,
    db: Data<Db>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let email: Email = proof::act::address(&body.0.email)?;
    let (by, now) = (origin.caller(&caller), Timestamp::now());
    once.run(&db, async |connection| {
        act::ask(connection, &by, &caller, &email, now).await?;
        Ok(HttpResponse::Accepted().json(Accepted::of("follow the link that is mailed to the new address")))
    })
    .await
}

/// Gives the account the new address, by the token of the link that was mailed there.
///
/// It is verified by that, the old one is told, and the account's tokens are void: a refresh
/// brings the next.
#[utoipa::path(
    tag = "Accounts",
    request_body = MailProof,
    responses((status = 200, description = "Changed", body = Settled), Unauthenticated, Bodied, Overloaded)
)]
#[post("/api/v1/auth/email/confirm")]
pub(crate) async fn confirm_email(
    body: Strict<MailProof>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<Settled>, HttpError> {
    let (purpose, now) = (Purpose::ChangeEmail, Timestamp::now());
    let id = one_time::open(&keyring, purpose, body.0.token.expose())?;
    let voided = db
        .transaction(async |connection| {
            let shown = proof::act::show(connection, purpose, id, now).await?;
            let by = origin.anybody(shown.holder.id.to_string());
            act::confirm(connection, &by, shown, now).await
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(Settled { status: "changed".to_owned() }))
}
