use actix_web::{
    HttpResponse, delete, get, patch, post,
    web::{Data, Json, Path, Query},
};
use contract_auth::{ApiKey, ApiKeyChange, ApiKeyList, ApiKeyText, NewApiKey, NewApiKeyText};
use identity::Can;
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
    tag = "api-key",
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
) -> Result<Created<NewApiKeyText>, HttpError> {
    caller.session()?;
    let now = Timestamp::now();
    let new = rules::accept(body.0, &caller.scopes, now)?;
    let text = ApiKeyText::generate(ApiKeyId::generate(), environment.name());
    let text = text.map_err(|why| ApiKeyError::Failed(why.to_string()))?;
    let shown = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            if store::count_locked(connection, caller.user).await? >= rules::MOST {
                return Err(ApiKeyError::TooMany(rules::MOST));
            }
            Ok(store::insert(connection, caller.org, caller.user, &text, &new, now).await?)
        })
        .await?;
    Ok(Created(NewApiKeyText { key: text.expose(), shown }))
}

/// Lists the caller's API keys in this organisation, the latest first.
#[utoipa::path(
    tag = "api-key",
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
    rights::store::require_live(&mut connection, &caller).await?;
    let mut data = store::list(&mut connection, caller.org, caller.user, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |key| key.id.uuid());
    Ok(Json(ApiKeyList { data, next_cursor }))
}

/// Renames an API key, or moves its end.
#[utoipa::path(
    tag = "api-key",
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
) -> Result<Json<ApiKey>, HttpError> {
    caller.session()?;
    let change = rules::accept_change(body.0, Timestamp::now())?;
    let mut connection = db.connection().await?;
    rights::store::require_live(&mut connection, &caller).await?;
    let key = store::update(&mut connection, caller.org, caller.user, id.into_inner(), &change).await?;
    Ok(Json(key.ok_or(ApiKeyError::Unknown)?))
}

/// Deletes an API key: it is exchanged for nothing from then on.
#[utoipa::path(
    tag = "api-key",
    params(("id" = ApiKeyId, Path, description = "Which key")),
    responses((status = 204, description = "Deleted"), Credentialed, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/api-keys/{id}")]
pub(crate) async fn delete_api_key(
    caller: Can<WriteAuth>,
    id: Path<ApiKeyId>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let mut connection = db.connection().await?;
    rights::store::require_live(&mut connection, &caller).await?;
    let deleted = store::delete(&mut connection, caller.org, caller.user, id.into_inner()).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiKeyError::Unknown.into()) }
}
