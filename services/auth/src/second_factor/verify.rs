use actix_web::{
    post,
    web::{Data, Query},
};
use contract_auth::{LoginReply, SecondFactorProof};
use diesel_async::AsyncPgConnection;
use ids::{OrgId, Timestamp, UserId};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Limited, Overloaded, Strict, Unauthenticated},
};

use super::{SecondFactorError, act, rules};
use crate::{
    account,
    attempt::{Attempts, Proof},
    one_time::{self, OneTimeError, Purpose},
    session::{Device, Minting, Mode, ModeQuery, Opening, Pass},
};

/// How many codes may be tried with one first step.
const TRIES: i32 = 5;

/// Takes the second step of a login, with the `mfa_token` of the first.
///
/// It takes five codes at most. Each code works once, and many wrong ones in a row lock the
/// account's codes for a while.
#[utoipa::path(
    tag = "Sessions",
    request_body = SecondFactorProof,
    params(ModeQuery),
    responses(
        (status = 200, description = "Logged in. With `mode=cookie` the session is in `Set-Cookie`", body = LoginReply),
        Unauthenticated, Bodied, Limited, Overloaded
    )
)]
#[post("/api/v1/auth/mfa/verify")]
pub(crate) async fn verify_second_factor(
    body: Strict<SecondFactorProof>,
    query: Query<ModeQuery>,
    db: Data<Db>,
    attempts: Data<Attempts>,
    tokens: Data<Minting>,
    device: Device,
) -> Result<Pass, HttpError> {
    let half = Half::open(&body.0, &db, &tokens).await?;
    let whose = half.user.to_string();
    let attempt = attempts.begin(Proof::Code, &whose, device.origin.ip).await?;
    let outcome = db
        .transaction(async |connection| half.finish(connection, &body.0, &tokens, &device, query.mode).await)
        .await;
    match &outcome {
        Ok(_) => attempt.succeeded().await?,
        Err(SecondFactorError::WrongCode) => attempt.failed(Some(half.user), &device.origin).await?,
        Err(_) => attempt.withdraw().await?,
    }
    Ok(outcome?)
}

/// A login that has taken its first step.
struct Half {
    token: ids::OneTimeTokenId,
    user: UserId,
    org: OrgId,
    /// How the first step was taken.
    first: String,
}

impl Half {
    /// Which login it is. Asking counts as a try, whatever becomes of it, so that of many
    /// codes at once only the first few are looked at.
    async fn open(body: &SecondFactorProof, db: &Db, tokens: &Minting) -> Result<Self, SecondFactorError> {
        let id = one_time::open(&tokens.keyring, Purpose::SecondFactor, body.mfa_token.expose())?;
        let mut connection = db.connection().await?;
        let token =
            one_time::store::try_with(&mut connection, Purpose::SecondFactor, id, TRIES, Timestamp::now());
        let token = token.await?;
        match (token.user_id, token.org_id, token.about) {
            (Some(user), Some(org), Some(first)) => Ok(Self { token: id, user, org, first }),
            _ => Err(OneTimeError::Invalid.into()),
        }
    }

    /// Uses up the code and the first step, and lets its user in.
    async fn finish(
        &self,
        connection: &mut AsyncPgConnection,
        body: &SecondFactorProof,
        tokens: &Minting,
        device: &Device,
        mode: Mode,
    ) -> Result<Pass, SecondFactorError> {
        let (user, org, now) = (self.user, self.org, Timestamp::now());
        // Before the code and the first step, as by all who void them: whoever ends the user's
        // sessions has voided the first step as well, or waits, and finds the session.
        account::store::hold(connection, user).await?;
        if !act::take(connection, &tokens.keyring, user, (body.method, &body.code), now).await? {
            return Err(SecondFactorError::WrongCode);
        }
        one_time::store::take(connection, Purpose::SecondFactor, self.token, now).await?;
        let second = rules::methods(body.method).map(str::to_owned);
        let methods = [vec![self.first.clone()], second.into()].concat();
        Ok(tokens.enter_fully(connection, device, Opening::now((user, org), methods, mode)).await?)
    }
}
