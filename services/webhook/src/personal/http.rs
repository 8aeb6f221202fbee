use actix_web::web::{Data, Json, Query};
use contract_auth::{PersonalData, PersonalDataQuery};
use identity::CallingService;
use problem::{HttpError, Kind, Problem};
use service_discovery::Service;
use service_kit::db::Db;

/// Tells auth what is held about a person, in every organisation.
pub(crate) async fn personal_data(
    CallingService(service): CallingService,
    about: Query<PersonalDataQuery>,
    db: Data<Db>,
) -> Result<Json<PersonalData>, HttpError> {
    if service != Service::Auth {
        return Err(Problem::new(Kind::Forbidden, "service_not_allowed", "only auth asks for it").into());
    }
    let done = audit::by_person(&mut *db.connection().await?, Service::Webhook, about.user_id).await?;
    let written = |_why| Problem::new(Kind::Internal, "internal", "it cannot be written as JSON");
    Ok(Json(PersonalData::default().with("audit_log", done).map_err(written)?))
}
