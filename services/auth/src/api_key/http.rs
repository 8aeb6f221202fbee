use actix_web::{
    HttpResponse, delete, get, patch, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_auth::{
    ApiKey, ApiKeyChange, ApiKeyList, ApiKeyRotation, ApiKeyText, NewApiKey, NewApiKeyText, audited,
};
use identity::{Can, Revocations};
use ids::{ApiKeyId, Timestamp};
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{ApiKeyError, rules, store};
use crate::{
    permissions::{ReadAuth, WriteAuth},
    rights,
    settings::KeyEnvironment,
};

const LIST: &str = "api-keys";

/// Makes an API key. Its text is in this answer and never again.
///
/// It holds at most what the caller holds, acts in the caller's organisation, and
/// takes a login session to make: a key cannot make keys.
#[utoipa::path(
    tag = "API keys",
    request_body = NewApiKey,
    responses(
        (status = 201, description = "The key, shown this once", body = NewApiKeyText),
        (status = 409, description = "The most keys are there already", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Bodied
    ),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/api-keys")]
pub(crate) async fn create_api_key(
    caller: Can<WriteAuth>,
    body: Strict<NewApiKey>,
    environment: Data<KeyEnvironment>,
    db: Data<Db>,
    origin: Origin,
) -> Result<Created<NewApiKeyText>, HttpError> {
    caller.session()?;
    let now = Timestamp::now();
    let new = rules::accept(body.0, &caller.scopes, now)?;
    let text = ApiKeyText::generate(ApiKeyId::generate(), environment.name());
    let text = text.map_err(|why| ApiKeyError::Failed(why.to_string()))?;
    let shown = db
        .transaction(async |connection| {
            rights::store::hold_live(connection, &caller).await?;
            rights::store::require_staying(connection, caller.user).await?;
            if store::count(connection, caller.user).await? >= rules::MOST {
                return Err(ApiKeyError::TooMany(rules::MOST));
            }
            let shown = store::insert(connection, caller.org, caller.user, &text, &new, now).await?;
            let entry = Entry::of(audited::API_KEY_CREATED).on(shown.id).with("scopes", shown.scopes.clone());
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(shown)
        })
        .await?;
    Ok(Created(NewApiKeyText { key: text.expose(), shown }))
}

/// Lists the caller's API keys in this organisation, the latest first.
#[utoipa::path(
    tag = "API keys",
    params(PageQuery),
    responses((status = 200, description = "A page of keys", body = ApiKeyList), Credentialed, Queried),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/api-keys")]
pub(crate) async fn list_api_keys(
    caller: Can<ReadAuth>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<ApiKeyList>, HttpError> {
    let page = query.page(LIST)?;
    let mut connection = db.connection().await?;
    let mut data = store::list(&mut connection, caller.org, caller.user, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |key| key.id.uuid());
    Ok(Json(ApiKeyList { data, next_cursor }))
}

/// Renames an API key, moves its end, or limits it.
#[utoipa::path(
    tag = "API keys",
    request_body = ApiKeyChange,
    params(("id" = ApiKeyId, Path, description = "Which key")),
    responses((status = 200, description = "The key as it is now", body = ApiKey), Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[patch("/api/v1/auth/api-keys/{id}")]
pub(crate) async fn patch_api_key(
    caller: Can<WriteAuth>,
    id: Path<ApiKeyId>,
    body: Strict<ApiKeyChange>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<ApiKey>, HttpError> {
    caller.session()?;
    let change = rules::accept_change(body.0, Timestamp::now())?;
    let id = id.into_inner();
    let (key, voided) = db
        .transaction(async |connection| {
            rights::store::require_staying(connection, caller.user).await?;
            rights::store::require_live(connection, &caller).await?;
            let changed = store::update(connection, caller.org, caller.user, id, &change).await?;
            let changed = changed.ok_or(ApiKeyError::Unknown)?;
            let entry = Entry::of(audited::API_KEY_CHANGED).on(id);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok::<_, ApiKeyError>(changed)
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(key))
}

/// Gives an API key another secret. Its text is in this answer and never again.
///
/// The key stays the same otherwise. The secret until now opens for `overlap_seconds`
/// more, so that its users can be moved one by one; without an overlap it and its tokens
/// are void at once. A second rotation ends the overlap of the first.
#[utoipa::path(
    tag = "API keys",
    request_body = ApiKeyRotation,
    params(("id" = ApiKeyId, Path, description = "Which key")),
    responses((status = 200, description = "The key, shown this once", body = NewApiKeyText),
              Credentialed, Bodied, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[post("/api/v1/auth/api-keys/{id}/rotate")]
pub(crate) async fn rotate_api_key(
    caller: Can<WriteAuth>,
    id: Path<ApiKeyId>,
    body: Strict<ApiKeyRotation>,
    environment: Data<KeyEnvironment>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<Json<NewApiKeyText>, HttpError> {
    caller.session()?;
    let (overlap, now) = (rules::accept_rotation(body.0)?, Timestamp::now());
    let until = (!overlap.is_zero()).then(|| now + overlap);
    let text = ApiKeyText::generate(id.into_inner(), environment.name());
    let text = text.map_err(|why| ApiKeyError::Failed(why.to_string()))?;
    let (shown, voided) = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            rights::store::require_staying(connection, caller.user).await?;
            let rotated = store::rotate(connection, caller.org, caller.user, &text, until, now).await?;
            let rotated = rotated.ok_or(ApiKeyError::Unknown)?;
            let entry = Entry::of(audited::API_KEY_ROTATED).on(text.id());
            let entry = entry.with("overlap_seconds", overlap.as_secs());
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok::<_, ApiKeyError>(rotated)
        })
        .await?;
    revocations.hear(voided);
    Ok(Json(NewApiKeyText { key: text.expose(), shown }))
}

/// Deletes an API key: it is exchanged for nothing from then on.
#[utoipa::path(
    tag = "API keys",
    params(("id" = ApiKeyId, Path, description = "Which key")),
    responses((status = 204, description = "Deleted"), Credentialed, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/api-keys/{id}")]
pub(crate) async fn delete_api_key(
    caller: Can<WriteAuth>,
    id: Path<ApiKeyId>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let id = id.into_inner();
    let voided = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            let voided = store::delete(connection, caller.org, caller.user, id).await?;
            if voided.is_empty() {
                return Err(ApiKeyError::Unknown);
            }
            let entry = Entry::of(audited::API_KEY_DELETED).on(id);
            audit::record(connection, &origin.caller(&caller), entry).await?;
            Ok(voided)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}
