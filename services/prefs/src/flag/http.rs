use actix_web::{
    HttpResponse, delete, get,
    http::header::{ETAG, EntityTag},
    post, put,
    web::{Data, Json, Path, Query},
};
use audit::Origin;
use contract_prefs::{Flag, FlagDefinition, FlagHistory, FlagKey, FlagPage, FlagRestore};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use serde::Deserialize;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};
use utoipa::IntoParams;

use super::{
    act::{self, Change},
    store,
};
use crate::{
    evaluation::Evaluator,
    flag_set::FlagError,
    permissions::{ReadFlags, WriteFlags},
    precondition::{Preconditioned, Preconditions},
};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "flags";

/// The query of [`list_flags`].
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FlagsQuery {
    /// How many items at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Those that were archived instead of those that were not.
    #[serde(default)]
    #[param(default = false)]
    archived: bool,
}

/// Lists the flags of the organisation, oldest first.
#[utoipa::path(
    tag = "Feature flags",
    params(FlagsQuery),
    responses((status = 200, description = "A page of flags", body = FlagPage), Credentialed, Queried),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/flags")]
pub(crate) async fn list_flags(
    caller: Can<ReadFlags>,
    query: Query<FlagsQuery>,
    db: Data<Db>,
) -> Result<Json<FlagPage>, HttpError> {
    let FlagsQuery { limit, cursor, archived } = query.into_inner();
    let page = PageQuery { limit, cursor }.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, caller.org, archived, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |flag| flag.id.uuid());
    Ok(Json(FlagPage { data, next_cursor }))
}

/// Makes a flag. Its key is taken for good, its type never changes.
#[utoipa::path(
    tag = "Feature flags",
    params(idempotency::Key),
    request_body = FlagDefinition,
    responses(
        (status = 201, description = "The flag", body = Flag,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        Credentialed, Bodied, Keyed
    ),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[post("/api/v1/flags")]
pub(crate) async fn create_flag(
    caller: Can<WriteFlags>,
    origin: Origin,
    Strict(new): Strict<FlagDefinition>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let made = once.run(evaluator.db(), async |conn| {
        let made = act::create(conn, &by, &caller, new, Timestamp::now()).await?;
        Ok(HttpResponse::Created().insert_header((ETAG, etag(&made))).json(made))
    });
    let reply = made.await?;
    evaluator.expire(caller.org);
    Ok(reply)
}

/// Reads a flag, archived or not.
#[utoipa::path(
    tag = "Feature flags",
    params(
        ("key" = FlagKey, Path, description = "Its key"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known already"),
    ),
    responses(
        (status = 200, description = "The flag", body = Flag,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 304, description = "It is still the one of `If-None-Match`"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/flags/{key}")]
pub(crate) async fn get_flag(
    caller: Can<ReadFlags>,
    key: Path<FlagKey>,
    preconditions: Preconditions,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let flag = store::find(&mut *db.connection().await?, caller.org, &key).await?;
    if preconditions.is_known(&etag(&flag)) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag(&flag))).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&flag))).json(flag))
}

/// Replaces a flag. It counts everywhere within a second.
#[utoipa::path(
    tag = "Feature flags",
    params(
        ("key" = FlagKey, Path, description = "Its key"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body = FlagDefinition,
    responses(
        (status = 200, description = "The flag", body = Flag,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned
    ),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[put("/api/v1/flags/{key}")]
pub(crate) async fn replace_flag(
    caller: Can<WriteFlags>,
    origin: Origin,
    key: Path<FlagKey>,
    preconditions: Preconditions,
    Strict(new): Strict<FlagDefinition>,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let change = Change::Replace(Box::new(new));
    let work = async |conn: &mut _| act::change(conn, &by, &caller, &key, &preconditions, change).await;
    let changed: Flag = evaluator.db().transaction(work).await?;
    evaluator.expire(caller.org);
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&changed))).json(changed))
}

/// Archives a flag: it is evaluated no more, so code gets its own defaults. Its history
/// stays, and a version of it can be brought back.
#[utoipa::path(
    tag = "Feature flags",
    params(
        ("key" = FlagKey, Path, description = "Its key"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    responses(
        (status = 200, description = "The archived flag", body = Flag,
            headers(("ETag" = String, description = "Its version"))),
        Credentialed, Queried, NotFound, Preconditioned
    ),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[delete("/api/v1/flags/{key}")]
pub(crate) async fn archive_flag(
    caller: Can<WriteFlags>,
    origin: Origin,
    key: Path<FlagKey>,
    preconditions: Preconditions,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let work =
        async |conn: &mut _| act::change(conn, &by, &caller, &key, &preconditions, Change::Archive).await;
    let archived: Flag = evaluator.db().transaction(work).await?;
    evaluator.expire(caller.org);
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&archived))).json(archived))
}

/// Shows the versions of a flag, newest first: who changed what when.
#[utoipa::path(
    tag = "Feature flags",
    params(("key" = FlagKey, Path, description = "Its key")),
    responses((status = 200, description = "The versions", body = FlagHistory), Credentialed, NotFound),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/flags/{key}/history")]
pub(crate) async fn get_flag_history(
    caller: Can<ReadFlags>,
    key: Path<FlagKey>,
    db: Data<Db>,
) -> Result<Json<FlagHistory>, HttpError> {
    let data = store::history(&mut *db.connection().await?, caller.org, &key).await?;
    if data.is_empty() {
        return Err(FlagError::Unknown("flag").into());
    }
    Ok(Json(FlagHistory { data }))
}

/// Brings an earlier version of a flag back, as its next version. An archived flag is
/// evaluated again.
#[utoipa::path(
    tag = "Feature flags",
    params(idempotency::Key, ("key" = FlagKey, Path, description = "Its key")),
    request_body = FlagRestore,
    responses(
        (status = 200, description = "The flag", body = Flag,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        Credentialed, Bodied, NotFound, Keyed
    ),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[post("/api/v1/flags/{key}/restore")]
pub(crate) async fn restore_flag(
    caller: Can<WriteFlags>,
    origin: Origin,
    key: Path<FlagKey>,
    Strict(wanted): Strict<FlagRestore>,
    once: Idempotency,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let restored = once.run(evaluator.db(), async |conn| {
        let restored = act::restore(conn, &by, &caller, &key, wanted.version, Timestamp::now()).await?;
        Ok(HttpResponse::Ok().insert_header((ETAG, etag(&restored))).json(restored))
    });
    let reply = restored.await?;
    evaluator.expire(caller.org);
    Ok(reply)
}

pub(super) fn etag(flag: &Flag) -> EntityTag {
    EntityTag::new_strong(flag.version.to_string())
}
