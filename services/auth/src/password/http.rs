use actix_web::{post, web::Data};
use audit::Entry;
use contract_auth::{MailKind, PasswordChange, SessionReply, audited};
use identity::{Can, Revocations};
use ids::Timestamp;
use problem::{FieldError, HttpError};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Overloaded, Strict},
};

use super::{Hasher, NormalPassword, accept};
use crate::{
    account::{
        self,
        store::{PasswordRow, find_password},
    },
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
    tag = "account",
    request_body = PasswordChange,
    responses((status = 200, description = "Changed; what to go on with", body = SessionReply),
              Credentialed, Bodied, Overloaded),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/password/change")]
pub(crate) async fn change_password(
    caller: Can<WriteAuth>,
    body: Strict<PasswordChange>,
    db: Data<Db>,
    hasher: Data<Hasher>,
    tokens: Data<Minting>,
    revocations: Data<Revocations>,
    device: Device,
) -> Result<Pass, HttpError> {
    let session = caller.session()?;
    let row = find_password(&mut *db.connection().await?, caller.user).await?;
    let (old, new) = judge(&body.0, row.ok_or(RightsError::Ended)?, &hasher).await?;
    let (pass, voided) = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            let voided = account::act::replace_password(connection, caller.user, &old, &new).await?;
            let mut voided = voided.ok_or_else(wrong_password)?;
            let mode = session::store::mode(connection, caller.user, session).await?;
            let now = Timestamp::now();
            voided.extend(session::act::end_all(connection, caller.user, "password change", now).await?);
            let opening = Opening::again(&caller, mode);
            let (_, pass) = tokens.open(connection, &device, opening).await?;
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

/// The hashes of the old and the new password, if the old one is right and the new one
/// fit to be set.
async fn judge(
    change: &PasswordChange,
    row: PasswordRow,
    hasher: &Hasher,
) -> Result<(String, String), SessionError> {
    let local = row.email.split('@').next().unwrap_or_default();
    let about = [row.email.as_str(), local, row.name.as_deref().unwrap_or_default()];
    let new = accept(change.new_password.expose(), "/new_password", &about)
        .map_err(|fault| SessionError::Invalid(vec![fault]))?;
    let current = NormalPassword::from(change.current_password.expose());
    let old = row.password_hash.filter(|_| !current.is_overlong());
    let matches = hasher.check(current, old.clone()).await?.matches;
    let old = old.filter(|_| matches).ok_or_else(wrong_password)?;
    Ok((old, hasher.make(new).await?))
}

/// It is no refusal of the credential: a client must not log out because of it.
fn wrong_password() -> SessionError {
    let detail = "this is not the current password";
    SessionError::Invalid(vec![FieldError::new("/current_password", "wrong_password", detail)])
}
