use actix_web::web::{self, Data, Json, Query};
use contract_audit::AuditEntry;
use identity::CallingService;
use problem::HttpError;
use service_discovery::Service;
use service_kit::db::Db;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{AuditError, Question, store};

/// Lets auth read the log of `service`, on its internal listener. It takes `Data<Db>`
/// and `Data<Verifier>` of the application.
pub fn internal_routes(config: &mut ServiceConfig<'_>, service: Service) {
    let read = move |caller, question, db| read(service, caller, question, db);
    config.route(&path(service), web::get().to(read));
}

/// Where a service tells its log.
pub(crate) fn path(service: Service) -> String {
    format!("/internal/v1/{service}/audit")
}

async fn read(
    service: Service,
    CallingService(caller): CallingService,
    question: Query<Question>,
    db: Data<Db>,
) -> Result<Json<Vec<AuditEntry>>, HttpError> {
    if caller != Service::Auth {
        return Err(AuditError::NotAuth.into());
    }
    Ok(Json(store::read(&mut *db.connection().await?, service, &question).await?))
}
