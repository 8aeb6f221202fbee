use actix_web::{
    HttpResponse, delete, get,
    http::header::{CACHE_CONTROL, HeaderValue},
    patch, post,
    web::{Data, Json, Path, Query},
};
use audit::{Entry, Origin};
use contract_webhook::{NewSource, Source, SourceId, SourcePage, SourcePatch, SourceSecret, audited};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use sealing::Keyring;
use secrecy::{ExposeSecret, SecretString};
use service_kit::{
    db::Db,
    http::{Bodied, Created, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{SourceError, rules, secret, store};
use crate::permissions::{ReadWebhooks, WriteWebhooks};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "webhook-sources";

/// Lists the sources of the organisation, oldest first.
#[utoipa::path(
    tag = "Webhook sources",
    params(PageQuery),
    responses((status = 200, description = "A page of sources", body = SourcePage), Credentialed, Queried),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/sources")]
pub(crate) async fn list_webhook_sources(
    caller: Can<ReadWebhooks>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<SourcePage>, HttpError> {
    let page = query.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, caller.org, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |source| source.id.uuid());
    Ok(Json(SourcePage { data, next_cursor }))
}

/// Registers a source: a provider that posts events to its `path`.
#[utoipa::path(
    tag = "Webhook sources",
    params(idempotency::Key),
    request_body = NewSource,
    responses((status = 201, description = "The source", body = Source), Credentialed, Bodied, Keyed),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/sources")]
pub(crate) async fn create_webhook_source(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    Strict(new): Strict<NewSource>,
    once: Idempotency,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let new = rules::accept(new)?;
    once.run(&db, async |conn| {
        if store::count(conn, caller.org).await? >= rules::MOST {
            return Err(SourceError::TooMany(rules::MOST).into());
        }
        let id = SourceId::generate();
        let given = new.secret.as_deref().map(SecretString::from);
        let text = given.map_or_else(|| secret::generate(new.scheme), Ok)?;
        let sealed = secret::seal(&keyring, id, &text)?;
        let says = (new.name.as_str(), new.scheme, new.hmac.as_ref());
        let source = store::insert(conn, (caller.org, id), says, &sealed, Timestamp::now()).await?;
        audit::record(conn, &by, Entry::of(audited::SOURCE_CREATED).on(id)).await?;
        Ok(Created(source))
    })
    .await
}

/// Reads a source.
#[utoipa::path(
    tag = "Webhook sources",
    params(("id" = SourceId, Path, description = "Its id")),
    responses((status = 200, description = "The source", body = Source), Credentialed, NotFound),
    security(("bearer" = ["webhooks:read"]), ("api_key" = ["webhooks:read"]))
)]
#[get("/api/v1/webhooks/sources/{id}")]
pub(crate) async fn get_webhook_source(
    caller: Can<ReadWebhooks>,
    id: Path<SourceId>,
    db: Data<Db>,
) -> Result<Json<Source>, HttpError> {
    Ok(Json(store::find(&mut *db.connection().await?, caller.org, *id).await?.source()?))
}

/// Changes what the body names of a source. When its secret is replaced, what is signed with the old one is
/// accepted for a day more.
#[utoipa::path(
    tag = "Webhook sources",
    params(("id" = SourceId, Path, description = "Its id")),
    request_body = SourcePatch,
    responses((status = 200, description = "The source", body = Source), Credentialed, Bodied, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[patch("/api/v1/webhooks/sources/{id}")]
pub(crate) async fn update_webhook_source(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<SourceId>,
    Strict(patch): Strict<SourcePatch>,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<Json<Source>, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let updated = db.transaction(async |conn| {
        let held = store::hold(conn, caller.org, id).await?.source()?;
        let new = rules::accept(rules::patched(held, patch))?;
        let text = new.secret.as_deref().map(SecretString::from);
        let sealed = text.map(|text| secret::seal(&keyring, id, &text)).transpose()?;
        let says = (new.name.as_str(), new.hmac.as_ref());
        let now = Timestamp::now();
        let source = store::update(conn, (caller.org, id), says, sealed.as_deref(), now).await?;
        let entry = Entry::of(audited::SOURCE_UPDATED).on(id).with("secret", sealed.is_some());
        audit::record(conn, &by, entry).await?;
        Ok::<_, HttpError>(Json(source))
    });
    updated.await
}

/// Deletes a source, with what came from it.
#[utoipa::path(
    tag = "Webhook sources",
    params(("id" = SourceId, Path, description = "Its id")),
    responses((status = 204, description = "It is gone"), Credentialed, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[delete("/api/v1/webhooks/sources/{id}")]
pub(crate) async fn delete_webhook_source(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<SourceId>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let deleted = db.transaction(async |conn| {
        if !store::delete(conn, caller.org, id).await? {
            return Err(HttpError::from(SourceError::Unknown));
        }
        audit::record(conn, &by, Entry::of(audited::SOURCE_DELETED).on(id)).await?;
        Ok(HttpResponse::NoContent().finish())
    });
    deleted.await
}

/// Reads what a source's hooks are verified with, for whoever sets its provider up.
#[utoipa::path(
    tag = "Webhook sources",
    params(("id" = SourceId, Path, description = "The source's id")),
    responses((status = 200, description = "Its secret", body = SourceSecret), Credentialed, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[get("/api/v1/webhooks/sources/{id}/secret")]
pub(crate) async fn get_webhook_source_secret(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<SourceId>,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let read = db.transaction(async |conn| {
        let held = store::find(conn, caller.org, id).await?;
        audit::record(conn, &by, Entry::of(audited::SOURCE_SECRET_READ).on(id)).await?;
        Ok::<_, HttpError>(secret::open(&keyring, id, &held.sealed)?)
    });
    let secret = read.await?.expose_secret().to_owned();
    let never = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(HttpResponse::Ok().insert_header(never).json(SourceSecret { secret }))
}
