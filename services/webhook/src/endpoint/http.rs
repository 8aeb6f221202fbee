use std::time::Duration;

use actix_web::{
    HttpResponse, delete, get,
    http::header::LOCATION,
    patch, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_webhook::{
    Endpoint, EndpointId, EndpointPage, EndpointPatch, EndpointStats, NewEndpoint, Recover, Replay,
    StatsQuery, audited,
};
use egress::Egress;
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use sealing::Keyring;
use service_discovery::Service;
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{EndpointError, headers, rules, store};
use crate::{
    delivery,
    permissions::{ReadWebhooks, WriteWebhooks},
    secret,
    signing::SigningSecret,
};

/// For so long an endpoint is judged, if nobody says for how long.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Names the list, so that cursors of others are refused.
const LIST: &str = "webhook-endpoints";

/// Lists the endpoints of the organisation, oldest first.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(PageQuery),
    responses((status = 200, description = "A page of endpoints", body = EndpointPage), Credentialed, Queried),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/endpoints")]
pub(crate) async fn list_webhook_endpoints(
    caller: Can<ReadWebhooks>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<EndpointPage>, HttpError> {
    let page = query.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, caller.org, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |endpoint| endpoint.id.uuid());
    Ok(Json(EndpointPage { data, next_cursor }))
}

/// Registers an endpoint. It gets events at once; its secret is read by itself.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(idempotency::Key),
    request_body = NewEndpoint,
    responses((status = 201, description = "The endpoint", body = Endpoint), Credentialed, Bodied, Keyed),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints")]
pub(crate) async fn create_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    Strict(new): Strict<NewEndpoint>,
    once: Idempotency,
    db: Data<Db>,
    egress: Data<Egress>,
    keyring: Data<Keyring>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let new = rules::accept(new, egress.policy())?;
    once.run(&db, async |conn| {
        if store::count(conn, caller.org).await? >= rules::MOST {
            return Err(EndpointError::TooMany(rules::MOST).into());
        }
        let id = EndpointId::generate();
        let sealed = headers::seal(&keyring, id, &new.headers)?;
        let endpoint = store::insert(conn, (caller.org, id), &new, &sealed, Timestamp::now()).await?;
        let first = SigningSecret::generate()?;
        secret::store::insert(conn, &keyring, (caller.org, endpoint.id), &first).await?;
        let entry = Entry::of(audited::ENDPOINT_CREATED).on(endpoint.id);
        audit::record(conn, &by, entry).await?;
        Ok(Created(endpoint))
    })
    .await
}

/// Reads an endpoint.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id")),
    responses((status = 200, description = "The endpoint", body = Endpoint), Credentialed, NotFound),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/endpoints/{id}")]
pub(crate) async fn get_webhook_endpoint(
    caller: Can<ReadWebhooks>,
    id: Path<EndpointId>,
    db: Data<Db>,
) -> Result<Json<Endpoint>, HttpError> {
    Ok(Json(store::find(&mut *db.connection().await?, caller.org, *id).await?))
}

/// Changes what the body names of an endpoint.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id")),
    request_body = EndpointPatch,
    responses((status = 200, description = "The endpoint", body = Endpoint), Credentialed, Bodied, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[patch("/api/v1/webhooks/endpoints/{id}")]
pub(crate) async fn update_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    Strict(patch): Strict<EndpointPatch>,
    db: Data<Db>,
    egress: Data<Egress>,
    keyring: Data<Keyring>,
) -> Result<Json<Endpoint>, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let updated = db.transaction(async |conn| {
        let held = store::hold(conn, caller.org, id).await?;
        let others = patch.headers.is_some();
        let new = rules::accept(rules::patched(held, patch), egress.policy())?;
        let sealed = others.then(|| headers::seal(&keyring, id, &new.headers)).transpose()?;
        let endpoint = store::update(conn, (caller.org, id), &new, sealed.as_ref(), Timestamp::now()).await?;
        audit::record(conn, &by, Entry::of(audited::ENDPOINT_UPDATED).on(id)).await?;
        Ok::<_, HttpError>(Json(endpoint))
    });
    updated.await
}

/// Deletes an endpoint, with its secrets.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id")),
    responses((status = 204, description = "It is gone"), Credentialed, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[delete("/api/v1/webhooks/endpoints/{id}")]
pub(crate) async fn delete_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let deleted = db.transaction(async |conn| {
        if !store::delete(conn, caller.org, id).await? {
            return Err(HttpError::from(EndpointError::Unknown));
        }
        audit::record(conn, &by, Entry::of(audited::ENDPOINT_DELETED).on(id)).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    deleted.await
}

/// Has an endpoint get events again, from now on.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id"), idempotency::Key),
    responses((status = 200, description = "The endpoint", body = Endpoint), Credentialed, NotFound, Keyed),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints/{id}/enable")]
pub(crate) async fn enable_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    put_on(caller, origin, *id, true, once, &db).await
}

/// Has an endpoint get nothing, until it is enabled.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id"), idempotency::Key),
    responses((status = 200, description = "The endpoint", body = Endpoint), Credentialed, NotFound, Keyed),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints/{id}/disable")]
pub(crate) async fn disable_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    put_on(caller, origin, *id, false, once, &db).await
}

/// Sends again what an endpoint did not get of what was accepted since then: what failed, and what
/// was skipped while it was off. With all attempts, and in the order in which it was accepted.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id"), idempotency::Key),
    request_body = Recover,
    responses(
        (status = 202, description = "A job begins them; the one that is under way, if there is one",
            headers(("location" = String, description = "The job"))),
        Credentialed, Bodied, NotFound, Keyed
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints/{id}/recover")]
pub(crate) async fn recover_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    Strict(Recover { since }): Strict<Recover>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    catch_up(caller, origin, (*id, since), Missed::Failed, once, &db).await
}

/// Sends an endpoint what was accepted since then and never went there, though it would now: while it was
/// off, or was not there yet, or got other types. In the order in which it was accepted.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id"), idempotency::Key),
    request_body = Replay,
    responses(
        (status = 202, description = "A job begins them; the one that is under way, if there is one",
            headers(("location" = String, description = "The job"))),
        Credentialed, Bodied, NotFound, Keyed
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints/{id}/replay-missing")]
pub(crate) async fn replay_webhook_endpoint(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    Strict(Replay { since }): Strict<Replay>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    catch_up(caller, origin, (*id, since), Missed::Never, once, &db).await
}

/// Tells how an endpoint does.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "Its id"), StatsQuery),
    responses(
        (status = 200, description = "How many deliveries are in which state", body = EndpointStats),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/endpoints/{id}/stats")]
pub(crate) async fn get_webhook_endpoint_stats(
    caller: Can<ReadWebhooks>,
    id: Path<EndpointId>,
    query: Query<StatsQuery>,
    db: Data<Db>,
) -> Result<Json<EndpointStats>, HttpError> {
    let mut conn = db.connection().await?;
    let endpoint = store::find(&mut conn, caller.org, *id).await?;
    let since = query.since.unwrap_or_else(|| Timestamp::now() - DAY);
    Ok(Json(delivery::stats(&mut conn, (caller.org, endpoint.id), since).await?))
}

/// What an endpoint missed.
#[derive(Clone, Copy, Debug)]
enum Missed {
    /// What failed, or was skipped.
    Failed,
    /// What never went there.
    Never,
}

/// Starts the job that sends an endpoint what it missed since then.
async fn catch_up(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    (id, since): (EndpointId, Timestamp),
    missed: Missed,
    once: Idempotency,
    db: &Db,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    once.run(db, async |conn| {
        let held = store::hold(conn, caller.org, id).await?;
        if !held.enabled {
            return Err(EndpointError::Off.into());
        }
        let (who, time) = ((caller.org, caller.user), (since, Timestamp::now()));
        let (action, job) = match missed {
            Missed::Failed => (audited::ENDPOINT_RECOVERED, delivery::recover(conn, who, id, time).await?),
            Missed::Never => (audited::ENDPOINT_REPLAYED, delivery::replay(conn, who, id, time).await?),
        };
        let entry = Entry::of(action).on(id).with("since", since.to_string());
        audit::record(conn, &by, entry).await?;
        let job = contract_jobs::routes::of(Service::Webhook, contract_jobs::routes::JOB)
            .replace("{id}", &job.to_string());
        Ok(HttpResponse::Accepted().insert_header((LOCATION, job)).finish())
    })
    .await
}

async fn put_on(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: EndpointId,
    enabled: bool,
    once: Idempotency,
    db: &Db,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    once.run(db, async |conn| {
        let held = store::hold(conn, caller.org, id).await?;
        if held.enabled == enabled {
            return Ok(Json(held));
        }
        let endpoint = store::put_on(conn, (caller.org, id), enabled, Timestamp::now()).await?;
        let entry = Entry::of(audited::ENDPOINT_UPDATED).on(id).with("enabled", enabled);
        audit::record(conn, &by, entry).await?;
        Ok(Json(endpoint))
    })
    .await
}
