//! What the services that hold grants call.

use std::sync::Arc;

use actix_web::{
    HttpResponse, delete, post,
    web::{Data, Json, Path},
};
use audit::{By, Origin};
use contract_auth::{HeldGrant, NewGrant};
use identity::{CallingService, Principal, Revocations};
use ids::{GrantId, Timestamp};
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{GrantError, act, rules, store};
use crate::token::Exchanges;

/// Gives the calling service a leave to act in a person's name when their request is over,
/// by the token that came with it. With the same reference it is the same grant.
#[utoipa::path(
    tag = "Internal",
    request_body = NewGrant,
    responses(
        (status = 200, description = "The grant", body = HeldGrant),
        (status = 409, description = "There is one for this, for something else; or there are too many",
         body = Problem, content_type = "application/problem+json"),
        Credentialed, Bodied
    ),
    security(("service" = []))
)]
#[post("/internal/v1/auth/grants")]
pub(crate) async fn create_grant(
    CallingService(holder): CallingService,
    body: Strict<NewGrant>,
    db: Data<Db>,
    exchanges: Data<Exchanges>,
    origin: Origin,
) -> Result<Json<HeldGrant>, HttpError> {
    let claims = exchanges.inside.verify(body.0.token.expose()).await.map_err(GrantError::from)?;
    if claims.aud != holder.name() {
        return Err(GrantError::NotYours.into());
    }
    let giver = Principal::try_from(Arc::unwrap_or_clone(claims)).map_err(GrantError::from)?;
    let accepted = rules::accept(body.0, &giver)?;
    let (by, now) = (origin.caller(&giver), Timestamp::now());
    let given = db
        .transaction(async |connection| act::give(connection, &by, &giver, holder, &accepted, now).await)
        .await?;
    Ok(Json(given))
}

/// Gives a grant back whose work is done, or given up.
#[utoipa::path(
    tag = "Internal",
    params(("id" = GrantId, Path, description = "Which grant")),
    responses((status = 204, description = "It is no more"), Credentialed, NotFound),
    security(("service" = []))
)]
#[delete("/internal/v1/auth/grants/{id}")]
pub(crate) async fn give_back_grant(
    CallingService(holder): CallingService,
    id: Path<GrantId>,
    db: Data<Db>,
    revocations: Data<Revocations>,
) -> Result<HttpResponse, HttpError> {
    let id = id.into_inner();
    let voided = db
        .transaction(async |connection| {
            let ended = store::give_back(connection, holder, id).await?.ok_or(GrantError::Unknown)?;
            Ok::<_, GrantError>(act::end(connection, &By::service(holder), id, ended).await?)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}
