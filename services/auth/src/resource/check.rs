//! Whether somebody may do something with a resource.

use actix_web::{
    post,
    web::{Data, Json},
};
use contract_auth::{Check, CheckOf, Decision};
use identity::{CallingService, Can};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Strict},
};

use super::{rules, store};
use crate::{permissions::ReadAuth, rights};

/// Tells whether the caller, with this credential, may do something with a resource of the
/// organisation that it acts in. It changes nothing. That the resource is there, and of this
/// organisation, only the service knows whose it is.
#[utoipa::path(
    tag = "Organisations",
    request_body = Check,
    responses((status = 200, description = "Whether, and why", body = Decision), Credentialed, Bodied),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[post("/api/v1/auth/check")]
pub(crate) async fn check_permission(
    caller: Can<ReadAuth>,
    body: Strict<Check>,
    db: Data<Db>,
) -> Result<Json<Decision>, HttpError> {
    let Check { permission, resource } = body.0;
    let needed = rules::level_of(&permission)?;
    let facts = store::facts(&mut *db.connection().await?, caller.org, caller.user, &resource).await?;
    let reason = rules::decide(facts, caller.scopes.contains(&permission), needed);
    Ok(Json(reason.into()))
}

/// Tells a service whether somebody may do something with a resource, as of now and whatever
/// credential they use.
#[utoipa::path(
    tag = "Internal",
    request_body = CheckOf,
    responses((status = 200, description = "Whether, and why", body = Decision), Credentialed, Bodied),
    security(("service" = []))
)]
#[post("/internal/v1/auth/check")]
pub(crate) async fn check_permission_of(
    _caller: CallingService,
    body: Strict<CheckOf>,
    db: Data<Db>,
) -> Result<Json<Decision>, HttpError> {
    let CheckOf { user_id, org_id, permission, resource } = body.0;
    let needed = rules::level_of(&permission)?;
    let mut connection = db.connection().await?;
    let facts = store::facts(&mut connection, org_id, user_id, &resource).await?;
    let rights = rights::store::find(&mut connection, org_id, user_id).await?;
    let holds = rights.is_some_and(|rights| rights.scopes.contains(&permission));
    Ok(Json(rules::decide(facts, holds, needed).into()))
}
