use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use audit::{Entry, Origin};
use aws_lc_rs::rand;
use contract_auth::{
    RecoveryCodes, SecondFactorOff, SecondFactorStatus, Secret, TotpConfirmation, TotpEnrolment, audited,
};
use data_encoding::BASE32_NOPAD;
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::{HttpError, Problem};
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Limited, Overloaded, Strict},
};

use super::{
    SecondFactorError, act, prove,
    rules::{self, Shown},
    store, totp,
};
use crate::{
    account,
    password::Checker,
    permissions::{ReadAuth, WriteAuth},
    rights::{self, RightsError},
    session,
    settings::SecondFactorIssuer,
};

/// The bytes of a secret: as many as HMAC-SHA-1 gives (RFC 4226 section 4).
const SECRET: usize = 20;

/// Reads how the caller's second factor stands.
#[utoipa::path(
    tag = "Second factors",
    responses((status = 200, description = "How it stands", body = SecondFactorStatus), Credentialed),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/mfa")]
pub(crate) async fn get_second_factor(
    caller: Can<ReadAuth>,
    db: Data<Db>,
) -> Result<Json<SecondFactorStatus>, HttpError> {
    let mut connection = db.connection().await?;
    let factor = store::find(&mut connection, caller.user).await?;
    let enabled_at = factor.as_ref().and_then(|factor| factor.confirmed_at);
    Ok(Json(SecondFactorStatus {
        enabled: enabled_at.is_some(),
        enabled_at,
        pending: factor.is_some() && enabled_at.is_none(),
        recovery_codes_left: store::count_recovery_codes(&mut connection, caller.user).await?,
    }))
}

/// Makes a secret for the caller's authenticator app. It guards nothing until
/// `…/confirm` has seen a first code; another call replaces it.
///
/// The last proof must be at most 15 minutes old.
#[utoipa::path(
    tag = "Second factors",
    responses(
        (status = 200, description = "The secret, which is shown this once", body = TotpEnrolment),
        (status = 409, description = "A second factor is on", body = Problem, content_type = "application/problem+json"),
        Credentialed
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/mfa/totp/enroll")]
pub(crate) async fn enroll_totp(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    issuer: Data<SecondFactorIssuer>,
) -> Result<Json<TotpEnrolment>, HttpError> {
    caller.session()?;
    let mut secret = [0; SECRET];
    rand::fill(&mut secret).map_err(|_opaque| SecondFactorError::NoRandomness)?;
    let sealed = keyring.seal(&act::row(caller.user), &secret).map_err(SecondFactorError::from)?;
    let address = db
        .transaction(async |connection| {
            rights::store::hold_live(connection, &caller).await?;
            session::act::require_fresh(connection, &caller, Timestamp::now()).await?;
            if !store::enroll(connection, caller.user, &sealed, Timestamp::now()).await? {
                return Err(SecondFactorError::On);
            }
            let row = account::store::find_password(connection, caller.user).await?;
            Ok(row.ok_or(RightsError::Ended)?.email)
        })
        .await?;
    Ok(Json(TotpEnrolment {
        secret: Secret::from(BASE32_NOPAD.encode(&secret)),
        otpauth_uri: Secret::from(totp::uri(&secret, &issuer.0, &address)),
    }))
}

/// Switches the second factor on by its first code, and gives recovery codes.
///
/// Sessions stay; in those that were opened without it, what is sensitive takes a step-up.
#[utoipa::path(
    tag = "Second factors",
    request_body = TotpConfirmation,
    responses(
        (status = 200, description = "On; codes for who loses the device", body = RecoveryCodes),
        (status = 409, description = "No secret waits", body = Problem, content_type = "application/problem+json"),
        Credentialed, Bodied
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/mfa/totp/confirm")]
pub(crate) async fn confirm_totp(
    caller: Can<WriteAuth>,
    body: Strict<TotpConfirmation>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    origin: Origin,
) -> Result<Json<RecoveryCodes>, HttpError> {
    let (session, now) = (caller.session()?, Timestamp::now());
    let recovery_codes = db
        .transaction(async |connection| {
            rights::store::hold_live(connection, &caller).await?;
            session::act::require_fresh(connection, &caller, Timestamp::now()).await?;
            let codes = act::confirm(connection, &keyring, caller.user, &body.0.code, now).await?;
            session::store::confirm(connection, caller.user, session, &["otp", "mfa"], now).await?;
            let entry = Entry::of(audited::SECOND_FACTOR_ON).on(caller.user);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(codes)
        })
        .await
        .map_err(SecondFactorError::in_session)?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Switches the second factor off by one proof: a code, a recovery code, or the password in
/// a session that has shown the second factor within 15 minutes.
#[utoipa::path(
    tag = "Second factors",
    request_body = SecondFactorOff,
    params(idempotency::Key),
    responses((status = 204, description = "Off"), Credentialed, Bodied, Limited, Overloaded, Keyed),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/mfa/totp/disable")]
pub(crate) async fn disable_totp(
    caller: Can<WriteAuth>,
    body: Strict<SecondFactorOff>,
    db: Data<Db>,
    once: Idempotency,
    checker: Data<Checker>,
    keyring: Data<Keyring>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let shown = rules::shown_to_switch_off(&body.0)?;
    let attempt = prove::begin(&checker, &db, &caller, shown, &origin).await?;
    let mut wrong = false;
    let reply = once.run(&db, async |connection| {
        rights::store::hold_live(connection, &caller).await?;
        match shown {
            Shown::Password(_) => {
                session::act::require_fresh(connection, &caller, Timestamp::now()).await?;
            }
            Shown::Code(method, code) => {
                let now = Timestamp::now();
                wrong = !act::take(connection, &keyring, caller.user, (method, code), now).await?;
            }
        }
        if wrong {
            return Err(SecondFactorError::WrongCode.in_session().into());
        }
        act::switch_off(connection, &origin.caller(&caller), caller.user, Timestamp::now()).await?;
        Ok(HttpResponse::NoContent())
    });
    let reply = reply.await;
    prove::settle(attempt, &caller, (reply.is_ok(), wrong), &origin).await?;
    reply
}

/// Replaces the caller's recovery codes; those before are void.
///
/// The second factor must have been shown in the session within 15 minutes.
#[utoipa::path(
    tag = "Second factors",
    responses(
        (status = 200, description = "The codes, which are shown this once", body = RecoveryCodes),
        (status = 409, description = "No second factor is on", body = Problem, content_type = "application/problem+json"),
        Credentialed
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/mfa/recovery-codes")]
pub(crate) async fn create_recovery_codes(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    origin: Origin,
) -> Result<Json<RecoveryCodes>, HttpError> {
    caller.session()?;
    let recovery_codes = db
        .transaction(async |connection| {
            rights::store::hold_live(connection, &caller).await?;
            if !act::is_on(connection, caller.user).await? {
                return Err(SecondFactorError::Off);
            }
            session::act::require_fresh(connection, &caller, Timestamp::now()).await?;
            let codes = act::replace_recovery_codes(connection, caller.user).await?;
            let entry = Entry::of(audited::RECOVERY_CODES_REPLACED).on(caller.user);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(codes)
        })
        .await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}
