use actix_web::{
    HttpResponse, delete, get,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
    web::{Data, Json, Path, Query},
};
use contract_auth::Mail;
use ids::MailId;
use problem::HttpError;
use serde::Serialize;
use service_kit::http::{NotFound, Queried};
use utoipa::ToSchema;

use super::{
    error::MailboxError,
    held::{Mailbox, Wanted},
    page,
};

/// Nothing is loaded from anywhere, and nobody may frame the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Mails, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Mails {
    /// The mails.
    data: Vec<Mail>,
}

/// The mails, for people.
#[utoipa::path(tag = "Mailbox", params(Wanted), responses(
    (status = 200, description = "A page.", body = String, content_type = "text/html"), Queried
))]
#[get("/")]
pub(super) async fn get_page(mailbox: Data<Mailbox>, wanted: Query<Wanted>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        // A link holds a token, which is nothing to tell the page that it leads to.
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(page::page(&mailbox.list(&wanted)))
}

/// The mails, for tests and tools.
#[utoipa::path(tag = "Mailbox", params(Wanted), responses((status = 200, body = Mails), Queried))]
#[get("/api/mails")]
pub(super) async fn list_mails(mailbox: Data<Mailbox>, wanted: Query<Wanted>) -> Json<Mails> {
    Json(Mails { data: mailbox.list(&wanted) })
}

/// One mail.
#[utoipa::path(
    tag = "Mailbox",
    params(("id" = MailId, Path, description = "Which mail")),
    responses((status = 200, body = Mail), NotFound)
)]
#[get("/api/mails/{id}")]
pub(super) async fn get_mail(mailbox: Data<Mailbox>, id: Path<MailId>) -> Result<Json<Mail>, HttpError> {
    let mail = mailbox.find(*id).ok_or(MailboxError::Unknown(*id))?;
    Ok(Json(mail))
}

/// Throws all mails away.
#[utoipa::path(tag = "Mailbox", responses((status = 204, description = "There are none.")))]
#[delete("/api/mails")]
pub(super) async fn clear_mails(mailbox: Data<Mailbox>) -> HttpResponse {
    mailbox.clear();
    HttpResponse::NoContent().finish()
}
