use actix_web::{
    HttpResponse, post,
    web::{Data, Json},
};
use audit::Origin;
use contract_auth::{Accepted, MailWanted, PasswordReset, Secret, Settled};
use identity::Revocations;
use ids::{OneTimeTokenId, Timestamp};
use problem::HttpError;
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Overloaded, Strict, Unauthenticated},
};

use super::act;
use crate::{
    account::store::find_password,
    attempt::Proof,
    one_time::{self, OneTimeError, Purpose},
    password::{Checker, PasswordError},
    proof::{self, Letter, ProofError},
};

/// Asks for a link that sets a new password, to be mailed to the account's address; it works
/// for an hour, and an account gets at most five an hour.
///
/// Whether or not the address has an account, the same is done and answered.
#[utoipa::path(
    tag = "Accounts",
    request_body = MailWanted,
    responses((status = 202, description = "Always the same", body = Accepted), Bodied, Overloaded)
)]
#[post("/api/v1/auth/password/forgot")]
pub(crate) async fn forgot_password(
    body: Strict<MailWanted>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let email = proof::act::address(&body.0.email)?;
    proof::act::ask_of(&db, &email, Letter::ResetPassword).await?;
    Ok(HttpResponse::Accepted().json(Accepted::of("if the address has an account, a mail is on its way")))
}

/// Sets a new password by the token of a mailed link.
///
/// Every session ends and all tokens are void; one logs in with the new password, and with
/// the second factor if there is one. A password that is refused leaves the token as it is.
/// An account that many wrong passwords have locked is open again. If the mailbox is proven by this for the first time, the API keys and all else that was
/// set up before are dropped.
#[utoipa::path(
    tag = "Accounts",
    request_body = PasswordReset,
    responses((status = 200, description = "Set: log in", body = Settled), Unauthenticated, Bodied, Overloaded)
)]
#[post("/api/v1/auth/password/reset")]
pub(crate) async fn reset_password(
    body: Strict<PasswordReset>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    checker: Data<Checker>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<Settled>, HttpError> {
    let (purpose, now) = (Purpose::ResetPassword, Timestamp::now());
    let id = one_time::open(&keyring, purpose, body.0.token.expose())?;
    let hash = judge(id, &body.0.new_password, &db, &checker, now).await?;
    let voided = db
        .transaction(async |connection| {
            let holder = proof::act::show(connection, purpose, id, now).await?.at_its_address()?;
            let by = origin.anybody(holder.id.to_string());
            let voided = act::reset(connection, &by, &holder, &hash, now).await?;
            let forgotten = checker.attempts.forget(connection, Proof::Password, &holder.email).await;
            forgotten.map_err(PasswordError::from)?;
            Ok::<_, ProofError>(voided)
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(Settled { status: "reset".to_owned() }))
}

/// The hash of the new password, if the token works and the password is fit to be set.
async fn judge(
    id: OneTimeTokenId,
    typed: &Secret,
    db: &Db,
    checker: &Checker,
    now: Timestamp,
) -> Result<String, ProofError> {
    let row = {
        let mut connection = db.connection().await?;
        let token = one_time::store::find(&mut connection, Purpose::ResetPassword, id, now).await?;
        let user = token.user_id.ok_or(OneTimeError::Invalid)?;
        find_password(&mut connection, user).await?.ok_or(OneTimeError::Invalid)?
    };
    let new = checker.accept(typed, "/new_password", &row).await;
    let new = new.map_err(|fault| ProofError::Invalid(vec![fault]))?;
    Ok(checker.hasher.make(new).await?)
}
