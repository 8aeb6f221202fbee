//! The audit log of all services, as one.

use actix_web::{
    get,
    web::{Data, Json, Query},
};
use audit::{AuditPage, AuditQuery, Log};
use identity::Can;
use problem::{HttpError, Problem};
use service_kit::http::{Credentialed, Queried};

use crate::{permissions::AdministerAuth, token::TokenIssuer};

/// Lists who did what in all services, the latest first.
///
/// It is whole or not at all: where a service does not answer, it is 503
/// `audit_log_incomplete`, and `services` leaves it out.
#[utoipa::path(
    tag = "Administration",
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of the log", body = AuditPage),
        (status = 503, description = "A service does not answer; `errors` names it", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Queried
    ),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[get("/api/v1/admin/audit")]
pub(crate) async fn list_audit_entries(
    _caller: Can<AdministerAuth>,
    query: Query<AuditQuery>,
    log: Data<Log>,
    tokens: Data<TokenIssuer>,
) -> Result<Json<AuditPage>, HttpError> {
    let token = async |service| {
        let own = tokens.own(service)?;
        Ok(own.token.expose().to_owned())
    };
    Ok(Json(log.page(&query, token).await?))
}
