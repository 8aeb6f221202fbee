use actix_web::{
    HttpResponse, delete, get,
    web::{Data, Json, Query},
};
use contract_auth::{PersonalData, PersonalDataQuery};
use contract_prefs::ExportedPreferences;
use identity::{CallingService, Can};
use ids::Timestamp;
use problem::{HttpError, Kind, Problem};
use service_discovery::Service;
use service_kit::{
    db::Db,
    http::{Credentialed, Queried},
};

use super::store;
use crate::{
    document::store::Author,
    permissions::{ReadPreferences, WritePreferences},
};

/// Tells all that is held of the caller's preferences in the organisation: every layer of
/// overrides, with its history.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "export_preferences",
    responses((status = 200, description = "All of it", body = ExportedPreferences), Credentialed, Queried),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs/export")]
pub(crate) async fn export_preferences(
    caller: Can<ReadPreferences>,
    db: Data<Db>,
) -> Result<Json<ExportedPreferences>, HttpError> {
    let documents = store::all(&mut *db.connection().await?, caller.user, Some(caller.org)).await?;
    Ok(Json(ExportedPreferences { documents }))
}

/// Erases all of the caller's preferences in the organisation, with their history.
///
/// What is inherited holds again. Unlike a reset, nothing can be restored.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "erase_preferences",
    responses((status = 204, description = "Nothing is held any more"), Credentialed, Queried),
    security(("bearer" = ["prefs:write"]), ("api_key" = ["prefs:write"]))
)]
#[delete("/api/v1/prefs")]
pub(crate) async fn erase_preferences(
    caller: Can<WritePreferences>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let author = Author::from(&*caller);
    db.transaction(async |conn| store::erase(conn, caller.org, caller.user, &author, Timestamp::now()).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Tells auth what is held about a person, in every organisation: their layers with their
/// histories, and what they did. A table that is about people is in a section here, or a test
/// says why it is not.
pub(crate) async fn personal_data(
    CallingService(service): CallingService,
    about: Query<PersonalDataQuery>,
    db: Data<Db>,
) -> Result<Json<PersonalData>, HttpError> {
    if service != Service::Auth {
        return Err(Problem::new(Kind::Forbidden, "service_not_allowed", "only auth asks for it").into());
    }
    let mut connection = db.connection().await?;
    let documents = store::all(&mut connection, about.user_id, None).await?;
    let done = audit::by_person(&mut connection, Service::Prefs, about.user_id).await?;
    let written = |_why| Problem::new(Kind::Internal, "internal", "it cannot be written as JSON");
    let told = PersonalData::default().with("documents", documents).map_err(written)?;
    Ok(Json(told.with("audit_log", done).map_err(written)?))
}
