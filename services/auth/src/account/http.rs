use actix_web::{
    HttpResponse, get, patch, post,
    web::{Data, Json},
};
use audit::{Entry, Origin};
use contract_auth::{Accepted, Account, AccountChange, Registration, audited};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Overloaded, Strict},
};

use super::{
    AccountError,
    act::{self, Registered},
    rules, store,
};
use crate::{
    password::Checker,
    permissions::{ReadAuth, WriteAuth},
    proof::{self, Letter},
    rights::RightsError,
};

/// Asks for an account.
///
/// The answer is the same whether or not the address has an account, so nobody
/// learns who has one; the address is mailed a link in either case. A personal
/// organisation comes with the account.
#[utoipa::path(
    tag = "Accounts",
    request_body = Registration,
    responses((status = 202, description = "Always the same", body = Accepted), Bodied, Overloaded)
)]
#[post("/api/v1/auth/register")]
pub(crate) async fn register(
    body: Strict<Registration>,
    db: Data<Db>,
    checker: Data<Checker>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    let new = rules::accept(&body.0)?;
    let unknown = checker.range_check.accept(&new.password, "/password").await;
    unknown.map_err(|fault| AccountError::Invalid(vec![fault]))?;
    let hash = checker.hasher.make(new.password.clone()).await.map_err(AccountError::from)?;
    db.transaction(async |connection| {
        let registered = act::register(connection, &new, &hash, &["USER"], Timestamp::now()).await?;
        let (user, org, by, action, letter) = match registered {
            Registered::Anew(user, org) => {
                let by = origin.anybody(user.to_string());
                (user, org, by, audited::ACCOUNT_REGISTERED, Letter::VerifyEmail)
            }
            Registered::Before(user, org) => {
                let by = origin.anybody("anonymous");
                (user, org, by, audited::ACCOUNT_REREGISTERED, Letter::AlreadyRegistered)
            }
        };
        let entry = Entry::of(action).on(user).in_org(org);
        audit::record(connection, &by, entry).await?;
        Ok::<_, HttpError>(proof::act::ask(connection, Some(user), letter).await?)
    })
    .await?;
    Ok(HttpResponse::Accepted().json(Accepted::of("if the address had no account, it has one now: log in")))
}

/// Reads the caller's account.
#[utoipa::path(
    tag = "Accounts",
    responses((status = 200, description = "The account", body = Account), Credentialed),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/me")]
pub(crate) async fn get_me(caller: Can<ReadAuth>, db: Data<Db>) -> Result<Json<Account>, HttpError> {
    let mut connection = db.connection().await?;
    let account = store::find(&mut connection, caller.org, caller.user).await?;
    Ok(Json(account.ok_or(RightsError::Ended)?))
}

/// Changes the caller's account: what is absent stays, `null` clears.
#[utoipa::path(
    tag = "Accounts",
    request_body = AccountChange,
    responses((status = 200, description = "The account as it is now", body = Account), Credentialed, Bodied),
    security(("bearer" = ["auth:write"]), ("api_key" = ["auth:write"]))
)]
#[patch("/api/v1/auth/me")]
pub(crate) async fn patch_me(
    caller: Can<WriteAuth>,
    body: Strict<AccountChange>,
    db: Data<Db>,
) -> Result<Json<Account>, HttpError> {
    let change = rules::accept_change(body.0)?;
    let account = db
        .transaction(async |connection| {
            store::update(connection, caller.user, &change, Timestamp::now()).await?;
            act::changed(connection, caller.user, "profile").await?;
            let account = store::find(connection, caller.org, caller.user).await?;
            Ok::<_, AccountError>(account.ok_or(RightsError::Ended)?)
        })
        .await?;
    Ok(Json(account))
}
