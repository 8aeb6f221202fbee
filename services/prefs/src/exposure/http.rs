use actix_web::{
    HttpResponse, post,
    web::{Data, Path},
};
use contract_prefs::{Exposure, FlagKey};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use service_kit::http::{Bodied, Credentialed, NotFound, Strict};

use super::Seen;
use crate::{evaluation::Evaluator, flag_set::FlagError, permissions::ReadFlags};

/// Tells that somebody saw a variant of a flag that is under experiment.
///
/// For clients that evaluate in bulk. The same person on the same day counts once.
#[utoipa::path(
    tag = "Experiments",
    params(idempotency::Key, ("key" = FlagKey, Path, description = "The flag's key")),
    request_body = Exposure,
    responses((status = 204, description = "Noted"), Credentialed, Bodied, NotFound, Keyed),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[post("/api/v1/flags/{key}/exposures")]
pub(crate) async fn tell_exposure(
    caller: Can<ReadFlags>,
    key: Path<FlagKey>,
    Strict(told): Strict<Exposure>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let snapshot = evaluator.snapshot(caller.org).await?;
    snapshot.flag(key.as_str()).ok_or(FlagError::Unknown("flag"))?;
    let running = snapshot.running(key.as_str(), told.environment.as_str()).ok_or(FlagError::NotRunning)?;
    if running.assigned(&told.targeting_key) != Some(told.variant.as_str()) {
        let detail = "the experiment has another variant for this targeting key, or none";
        return Err(FlagError::field("/variant", "variant_not_assigned", detail).into());
    }
    let Exposure { targeting_key, variant, .. } = &told;
    let now = Timestamp::now();
    let seen = Seen::new(caller.org, running.experiment, snapshot.salt(), targeting_key, variant, now);
    once.run(evaluator.db(), async |_conn| {
        evaluator.exposures().note(seen);
        Ok(HttpResponse::NoContent())
    })
    .await
}
