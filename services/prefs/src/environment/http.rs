use actix_web::{
    HttpResponse, delete, get, post,
    web::{Data, Json, Path},
};
use audit::{Entry, Origin};
use contract_prefs::{FlagEnvironment, FlagEnvironments, FlagKey, NewFlagEnvironment, audited};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Strict},
};
use utoipa::IntoResponses;

use super::{BUILT_IN, MOST, store};
use crate::{
    evaluation::{self, Evaluator},
    flag_set::{self, FlagError},
    permissions::{ReadFlags, WriteFlags},
};

/// What a deletion may answer, for the OpenAPI document.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only the descriptions are of use")]
pub(crate) enum Used {
    /// It is in use, or one that every organisation has.
    #[response(status = 409, content_type = "application/problem+json")]
    InUse(Problem),
}

/// Lists the environments in which flags are evaluated.
#[utoipa::path(
    tag = "Feature flags",
    responses((status = 200, description = "The environments", body = FlagEnvironments), Credentialed),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/flag-environments")]
pub(crate) async fn list_flag_environments(
    caller: Can<ReadFlags>,
    db: Data<Db>,
) -> Result<Json<FlagEnvironments>, HttpError> {
    let own = store::list(&mut *db.connection().await?, caller.org).await?;
    let built_in = BUILT_IN.iter().filter_map(|key| key.parse().ok());
    let built_in = built_in.map(|key| FlagEnvironment { key, built_in: true });
    let own = own.into_iter().map(|key| FlagEnvironment { key, built_in: false });
    Ok(Json(FlagEnvironments { data: built_in.chain(own).collect() }))
}

/// Adds an environment.
#[utoipa::path(
    tag = "Feature flags",
    params(idempotency::Key),
    request_body = NewFlagEnvironment,
    responses((status = 201, description = "The environment", body = FlagEnvironment), Credentialed, Bodied, Keyed),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[post("/api/v1/flag-environments")]
pub(crate) async fn create_flag_environment(
    caller: Can<WriteFlags>,
    origin: Origin,
    Strict(NewFlagEnvironment { key }): Strict<NewFlagEnvironment>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let added = once.run(evaluator.db(), async |conn| {
        flag_set::store::begin(conn, &caller).await?;
        if store::list(conn, caller.org).await?.len() >= MOST {
            return Err(FlagError::TooMany { what: "environments", most: 20 }.into());
        }
        let is_new = !BUILT_IN.contains(&key.as_str());
        if !is_new || !store::insert(conn, caller.org, &key, Timestamp::now()).await? {
            return Err(FlagError::Exists { what: "environment", key: key.clone() }.into());
        }
        audit::record(conn, &by, Entry::of(audited::ENVIRONMENT_CREATED).on(&key)).await?;
        Ok(Created(FlagEnvironment { key: key.clone(), built_in: false }))
    });
    let reply = added.await?;
    evaluator.expire(caller.org);
    Ok(reply)
}

/// Deletes an environment that no flag says anything about.
#[utoipa::path(
    tag = "Feature flags",
    params(("key" = FlagKey, Path, description = "Its key")),
    responses((status = 204, description = "It is gone"), Credentialed, NotFound, Used),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[delete("/api/v1/flag-environments/{key}")]
pub(crate) async fn delete_flag_environment(
    caller: Can<WriteFlags>,
    origin: Origin,
    key: Path<FlagKey>,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let (by, key) = (origin.caller(&caller), key.into_inner());
    if BUILT_IN.contains(&key.as_str()) {
        return Err(FlagError::BuiltIn(key).into());
    }
    let deleted = evaluator.db().transaction(async |conn| {
        flag_set::store::begin(conn, &caller).await?;
        let snapshot = evaluation::store::snapshot(conn, caller.org).await?;
        if let Some(by) = snapshot.user_of_environment(key.as_str()) {
            return Err(FlagError::InUse { key: key.clone(), by });
        }
        if !store::delete(conn, caller.org, &key).await? {
            return Err(FlagError::Unknown("environment"));
        }
        audit::record(conn, &by, Entry::of(audited::ENVIRONMENT_DELETED).on(&key)).await?;
        Ok(())
    });
    deleted.await?;
    evaluator.expire(caller.org);
    Ok(HttpResponse::NoContent().finish())
}
