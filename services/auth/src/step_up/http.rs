use actix_web::{post, web::Data};
use audit::{Entry, Origin};
use contract_auth::{SessionReply, StepUp, audited};
use diesel_async::AsyncPgConnection;
use identity::{Can, Principal};
use ids::{SessionId, Timestamp};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Limited, Overloaded, Strict},
};

use crate::{
    password::Checker,
    permissions::WriteAuth,
    rights::{self, RightsError},
    second_factor::{
        SecondFactorError, act, prove,
        rules::{self, Shown},
    },
    session::{self, Minting, Pass},
};

/// Proves anew who the caller is: by their password or, where a second factor is on, by a
/// code of it. For 15 minutes the session then may do what cannot be undone.
///
/// The session stays, and so does its refresh token or cookie; the access token of the
/// answer says when the proof was (`auth_time`, `amr`).
#[utoipa::path(
    tag = "Sessions",
    request_body = StepUp,
    responses((status = 200, description = "Proven; what to go on with", body = SessionReply),
              Credentialed, Bodied, Limited, Overloaded),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/step-up")]
pub(crate) async fn step_up(
    caller: Can<WriteAuth>,
    body: Strict<StepUp>,
    db: Data<Db>,
    checker: Data<Checker>,
    tokens: Data<Minting>,
    origin: Origin,
) -> Result<Pass, HttpError> {
    let session = caller.session()?;
    let shown = rules::shown(&body.0)?;
    let attempt = prove::begin(&checker, &db, &caller, shown, &origin).await?;
    let outcome = db
        .transaction(async |connection| {
            let pass = confirm(connection, &caller, session, shown, &tokens).await?;
            let entry = Entry::of(audited::SESSION_CONFIRMED).on(session);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(pass)
        })
        .await;
    let wrong = matches!(outcome, Err(SecondFactorError::WrongCode));
    prove::settle(attempt, &caller, (outcome.is_ok(), wrong), &origin).await?;
    Ok(outcome.map_err(SecondFactorError::in_session)?)
}

/// Notes the proof in the session. Where a second factor is on, a password is not enough.
async fn confirm(
    connection: &mut AsyncPgConnection,
    caller: &Principal,
    session: SessionId,
    shown: Shown<'_>,
    tokens: &Minting,
) -> Result<Pass, SecondFactorError> {
    let now = Timestamp::now();
    rights::store::hold_live(connection, caller).await?;
    let methods = match shown {
        Shown::Password(_) if act::is_on(connection, caller.user).await? => {
            let detail = "a second factor is on: show a code of it";
            return Err(SecondFactorError::field("/password", "second_factor_required", detail));
        }
        Shown::Password(_) => vec!["pwd"],
        Shown::Code(method, code) => {
            if !act::take(connection, &tokens.keyring, caller.user, (method, code), now).await? {
                return Err(SecondFactorError::WrongCode);
            }
            rules::methods(method).to_vec()
        }
    };
    let confirmed = session::store::confirm(connection, caller.user, session, &methods, now).await?;
    let (owner, state) = confirmed.ok_or(RightsError::Ended)?;
    Ok(tokens.pass(connection, &owner, state, now).await?)
}
