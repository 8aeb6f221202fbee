use actix_web::{post, web::Data};
use audit::Entry;
use contract_auth::{MailKind, PasswordChange, SessionReply, audited};
use identity::{Can, Revocations};
use ids::Timestamp;
use problem::{FieldError, HttpError};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Limited, Overloaded, Strict},
};

use super::Checker;
use crate::{
    account::{self, store::find_password},
    mail,
    permissions::WriteAuth,
    proof,
    rights::{self, RightsError},
    session::{self, Device, Minting, Opening, Pass, SessionError},
};

/// Replaces the caller's password.
///
/// Every session ends, the caller's too, and all tokens are void: whoever knew the old
/// password is out. The caller goes on with the tokens of the answer, or with its cookie,
/// in a new session.
#[utoipa::path(
    tag = "Accounts",
    request_body = PasswordChange,
    responses((status = 200, description = "Changed; what to go on with", body = SessionReply),
              Credentialed, Bodied, Limited, Overloaded),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/password/change")]
pub(crate) async fn change_password(
    caller: Can<WriteAuth>,
    body: Strict<PasswordChange>,
    db: Data<Db>,
    checker: Data<Checker>,
    tokens: Data<Minting>,
    revocations: Data<Revocations>,
    device: Device,
) -> Result<Pass, HttpError> {
    let session = caller.session()?;
    let row = find_password(&mut *db.connection().await?, caller.user).await?;
    let row = row.ok_or(RightsError::Ended)?;
    let new = checker.accept(&body.0.new_password, "/new_password", &row).await;
    let new = new.map_err(|fault| SessionError::Invalid(vec![fault]))?;
    let old = checker.prove(caller.user, &row, &body.0.current_password, &device.origin);
    let old = old.await?.ok_or_else(wrong_password)?;
    let new = checker.hasher.make(new).await?;
    let (pass, voided) = db
        .transaction(async |connection| {
            rights::store::hold_live(connection, &caller).await?;
            let voided = account::act::replace_password(connection, caller.user, &old, &new).await?;
            let mut voided = voided.ok_or_else(wrong_password)?;
            let mode = session::store::mode(connection, caller.user, session).await?;
            let now = Timestamp::now();
            voided.extend(session::act::end_all(connection, caller.user, "password change", now).await?);
            let opening = Opening::again(&caller, mode);
            let pass = tokens.open(connection, &device, opening).await?.pass;
            let holder = proof::store::lock(connection, caller.user).await?.ok_or(RightsError::Ended)?;
            mail::act::send(connection, &holder.mail(MailKind::PasswordChanged), Timestamp::now()).await?;
            let entry = Entry::of(audited::PASSWORD_CHANGED).on(caller.user);
            audit::record(connection, &device.origin.caller(&caller), entry).await?;
            Ok::<_, SessionError>((pass, voided))
        })
        .await?;
    revocations.hear(voided);
    Ok(pass)
}

/// It is no refusal of the credential: a client must not log out because of it.
fn wrong_password() -> SessionError {
    let detail = "this is not the current password";
    SessionError::Invalid(vec![FieldError::new("/current_password", "wrong_password", detail)])
}
