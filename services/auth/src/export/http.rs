//! Exports as their user asks for them and sees them.

use actix_web::{
    HttpResponse, delete, get,
    http::header::LOCATION,
    post,
    web::{Data, Json, Path, Query},
};
use audit::Origin;
use contract_auth::{Export, ExportList};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::{ExportId, Timestamp};
use problem::{HttpError, Problem};
use service_discovery::Service;
use service_kit::{
    db::Db,
    http::{Credentialed, Limited, NotFound, Queried},
    page::PageQuery,
};

use super::{ExportError, act, store};
use crate::permissions::{ReadAuth, WriteAuth};

const LIST: &str = "exports";

/// Asks for all that is held about the caller, over all services.
///
/// A job gathers it: `Location` tells how far it is, by server-sent events too, and can cancel
/// it. When it is ready, the caller is mailed, and can download it for seven days. The one
/// that is under way is answered again instead of a second one; at most five are made in a day.
/// The last proof must be at most 15 minutes old, and an API key is not enough.
#[utoipa::path(
    tag = "Exports",
    params(idempotency::Key),
    responses(
        (status = 202, description = "It is being gathered", body = Export,
         headers(("location" = String, description = "The job, in the caller's organisation"))),
        (status = 409, description = "The one that was given up is still being ended", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Limited, Keyed
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/me/exports")]
pub(crate) async fn create_export(
    caller: Can<WriteAuth>,
    db: Data<Db>,
    once: Idempotency,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    once.run(&db, async |connection| {
        let by = origin.caller(&caller);
        let row = act::request(connection, &caller, &by, Timestamp::now()).await?;
        let job = contract_jobs::routes::of(Service::Auth, contract_jobs::routes::JOB);
        let job = job.replace("{id}", &row.job_id.to_string());
        let export = act::shown(connection, row).await?;
        Ok(HttpResponse::Accepted().insert_header((LOCATION, job)).json(export))
    })
    .await
}

/// Lists the caller's exports, the latest first.
#[utoipa::path(
    tag = "Exports",
    params(PageQuery),
    responses((status = 200, description = "A page of exports", body = ExportList), Credentialed, Queried),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/me/exports")]
pub(crate) async fn list_exports(
    caller: Can<ReadAuth>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<ExportList>, HttpError> {
    let page = query.page(LIST)?;
    let mut connection = db.connection().await?;
    let mut rows = store::list(&mut connection, caller.user, page, Timestamp::now()).await?;
    let next_cursor = page.cut(LIST, &mut rows, |row| row.id.uuid());
    Ok(Json(ExportList { data: act::all_shown(&mut connection, rows).await?, next_cursor }))
}

/// Reads one of the caller's exports: how it stands, not what is in it.
#[utoipa::path(
    tag = "Exports",
    params(("id" = ExportId, Path, description = "Which export")),
    responses((status = 200, description = "The export", body = Export), Credentialed, NotFound),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/me/exports/{id}")]
pub(crate) async fn get_export(
    caller: Can<ReadAuth>,
    id: Path<ExportId>,
    db: Data<Db>,
) -> Result<Json<Export>, HttpError> {
    let mut connection = db.connection().await?;
    let row = store::find(&mut connection, caller.user, *id, Timestamp::now()).await?;
    Ok(Json(act::shown(&mut connection, row.ok_or(ExportError::Unknown)?).await?))
}

/// Deletes one of the caller's exports, with what it holds; one that is being gathered is
/// given up.
#[utoipa::path(
    tag = "Exports",
    params(("id" = ExportId, Path, description = "Which export")),
    responses((status = 204, description = "Deleted"), Credentialed, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/me/exports/{id}")]
pub(crate) async fn delete_export(
    caller: Can<WriteAuth>,
    id: Path<ExportId>,
    db: Data<Db>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let by = origin.caller(&caller);
    db.transaction(async |connection| act::delete(connection, &by, caller.user, *id, Timestamp::now()).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
