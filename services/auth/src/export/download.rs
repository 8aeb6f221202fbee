//! The documents themselves.

use actix_web::{
    HttpResponse,
    body::SizedStream,
    get,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, ContentType},
    web::{Data, Path},
};
use audit::Origin;
use contract_auth::ExportDocument;
use identity::{Can, Principal};
use ids::{ExportId, Timestamp};
use problem::{HttpError, Problem};
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound},
};

use super::{ExportError, act, document, rules};
use crate::permissions::ReadAuth;

/// Downloads one of the caller's exports.
///
/// The last proof must be at most 15 minutes old, and an API key is not enough.
#[utoipa::path(
    tag = "Exports",
    params(("id" = ExportId, Path, description = "Which export")),
    responses(
        (status = 200, description = "All of it, as a file", body = ExportDocument, headers(
            ("content-disposition" = String, description = "What to call the file"),
            ("cache-control" = String, description = "`no-store`")
        )),
        (status = 409, description = "Not ready yet (come back after `Retry-After`), or it could not be gathered",
         body = Problem, content_type = "application/problem+json"),
        Credentialed, NotFound
    ),
    security(("bearer" = ["auth:read"]))
)]
#[get("/api/v1/auth/me/exports/{id}/download")]
pub(crate) async fn download_export(
    caller: Can<ReadAuth>,
    id: Path<ExportId>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    download(&caller, Some(*id), db, keyring, origin).await
}

/// Downloads the caller's latest export that is ready. Where there is none (404), one is to
/// be asked for first.
///
/// The last proof must be at most 15 minutes old, and an API key is not enough.
#[utoipa::path(
    tag = "Exports",
    responses(
        (status = 200, description = "All of it, as a file", body = ExportDocument, headers(
            ("content-disposition" = String, description = "What to call the file"),
            ("cache-control" = String, description = "`no-store`")
        )),
        Credentialed, NotFound
    ),
    security(("bearer" = ["auth:read"]))
)]
#[get("/api/v1/auth/me/export")]
pub(crate) async fn download_latest_export(
    caller: Can<ReadAuth>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    download(&caller, None, db, keyring, origin).await
}

async fn download(
    caller: &Principal,
    which: Option<ExportId>,
    db: Data<Db>,
    keyring: Data<Keyring>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let (by, now) = (origin.caller(caller), Timestamp::now());
    let open = async |connection: &mut _| act::open(connection, caller, &by, which, now).await;
    let (row, pieces) = db.transaction::<_, ExportError>(open).await?;
    let day: String = row.created_at.to_string().chars().take("2026-11-20".len()).collect();
    let length = rules::length(&pieces);
    let body = document::read(db.get_ref().clone(), keyring.into_inner(), row.id, pieces);
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"plinth-export-{day}.json\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(SizedStream::new(length, body)))
}
