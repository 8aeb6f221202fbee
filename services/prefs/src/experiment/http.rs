use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use audit::Origin;
use contract_prefs::{
    Conversion, Experiment, ExperimentId, ExperimentPage, ExperimentResults, ExperimentState, NewExperiment,
};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{act, rules, store};
use crate::{
    evaluation::Evaluator,
    exposure::subject,
    flag_set::FlagError,
    permissions::{ReadFlags, WriteFlags},
};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "experiments";

/// Lists the experiments of the organisation, oldest first.
#[utoipa::path(
    tag = "Experiments",
    params(PageQuery),
    responses((status = 200, description = "A page of experiments", body = ExperimentPage), Credentialed, Queried),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/experiments")]
pub(crate) async fn list_experiments(
    caller: Can<ReadFlags>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<ExperimentPage>, HttpError> {
    let page = query.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, caller.org, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |experiment| experiment.id.uuid());
    Ok(Json(ExperimentPage { data, next_cursor }))
}

/// Plans an experiment on a flag. Nothing happens until it is started.
#[utoipa::path(
    tag = "Experiments",
    params(idempotency::Key),
    request_body = NewExperiment,
    responses((status = 201, description = "The draft", body = Experiment), Credentialed, Bodied, Keyed),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[post("/api/v1/experiments")]
pub(crate) async fn create_experiment(
    caller: Can<WriteFlags>,
    origin: Origin,
    Strict(plan): Strict<NewExperiment>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    once.run(evaluator.db(), async |conn| {
        Ok(Created(act::create(conn, &by, &caller, &plan, Timestamp::now()).await?))
    })
    .await
}

/// Reads an experiment.
#[utoipa::path(
    tag = "Experiments",
    params(("id" = ExperimentId, Path, description = "Its id")),
    responses((status = 200, description = "The experiment", body = Experiment), Credentialed, NotFound),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/experiments/{id}")]
pub(crate) async fn get_experiment(
    caller: Can<ReadFlags>,
    id: Path<ExperimentId>,
    db: Data<Db>,
) -> Result<Json<Experiment>, HttpError> {
    Ok(Json(store::find(&mut *db.connection().await?, caller.org, id.into_inner()).await?))
}

/// Starts an experiment: whom no rule of the flag catches takes part from now on. A flag
/// has one at a time in an environment.
#[utoipa::path(
    tag = "Experiments",
    params(idempotency::Key, ("id" = ExperimentId, Path, description = "Its id")),
    responses((status = 200, description = "It runs", body = Experiment), Credentialed, NotFound, Keyed),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[post("/api/v1/experiments/{id}/start")]
pub(crate) async fn start_experiment(
    caller: Can<WriteFlags>,
    origin: Origin,
    id: Path<ExperimentId>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), id.into_inner());
    let started = once.run(evaluator.db(), async |conn| {
        Ok(HttpResponse::Ok().json(act::start(conn, &by, &caller, id, Timestamp::now()).await?))
    });
    let reply = started.await?;
    evaluator.expire(caller.org);
    Ok(reply)
}

/// Stops an experiment, for good: the flag serves what it says otherwise. What was counted
/// stays.
#[utoipa::path(
    tag = "Experiments",
    params(idempotency::Key, ("id" = ExperimentId, Path, description = "Its id")),
    responses((status = 200, description = "It is over", body = Experiment), Credentialed, NotFound, Keyed),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[post("/api/v1/experiments/{id}/stop")]
pub(crate) async fn stop_experiment(
    caller: Can<WriteFlags>,
    origin: Origin,
    id: Path<ExperimentId>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), id.into_inner());
    let stopped = once.run(evaluator.db(), async |conn| {
        Ok(HttpResponse::Ok().json(act::stop(conn, &by, &caller, id, Timestamp::now()).await?))
    });
    let reply = stopped.await?;
    evaluator.expire(caller.org);
    Ok(reply)
}

/// Tells that somebody did what the experiment counts. Who never saw a variant is not
/// counted, so it may be told of everybody.
#[utoipa::path(
    tag = "Experiments",
    params(idempotency::Key, ("id" = ExperimentId, Path, description = "Its id")),
    request_body = Conversion,
    responses((status = 204, description = "Noted"), Credentialed, Bodied, NotFound, Keyed),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[post("/api/v1/experiments/{id}/conversions")]
pub(crate) async fn tell_conversion(
    caller: Can<ReadFlags>,
    id: Path<ExperimentId>,
    Strict(told): Strict<Conversion>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let id = id.into_inner();
    let snapshot = evaluator.snapshot(caller.org).await?;
    once.run(evaluator.db(), async |conn| {
        let experiment = store::find(conn, caller.org, id).await?;
        if experiment.state != ExperimentState::Running {
            return Err(FlagError::NotRunning.into());
        }
        if !experiment.plan.metrics.contains(&told.metric) {
            let detail = "the experiment counts nothing of this name";
            return Err(FlagError::field("/metric", "unknown_metric", detail).into());
        }
        rules::accept_value(told.value)?;
        let subject = subject(snapshot.salt(), &told.targeting_key);
        store::convert(conn, caller.org, id, &told, &subject).await?;
        Ok(HttpResponse::NoContent())
    })
    .await
}

/// Shows what the experiment found so far: who saw which variant, who did what, and how
/// likely the differences are by chance.
#[utoipa::path(
    tag = "Experiments",
    params(("id" = ExperimentId, Path, description = "Its id")),
    responses((status = 200, description = "The results", body = ExperimentResults), Credentialed, NotFound),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/experiments/{id}/results")]
pub(crate) async fn get_experiment_results(
    caller: Can<ReadFlags>,
    id: Path<ExperimentId>,
    db: Data<Db>,
) -> Result<Json<ExperimentResults>, HttpError> {
    let (conn, id) = (&mut *db.connection().await?, id.into_inner());
    let experiment = store::find(conn, caller.org, id).await?;
    Ok(Json(rules::results(&experiment.plan, &store::counts(conn, caller.org, id).await?)))
}
