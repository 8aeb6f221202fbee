use actix_web::{
    HttpResponse, get,
    http::header::{CACHE_CONTROL, HeaderValue},
    post,
    web::{Data, Path},
};
use audit::{Entry, Origin};
use contract_webhook::{EndpointId, EndpointSecret, NewSecret, RetiringSecret, audited};
use idempotency::{Idempotency, Keyed};
use identity::Can;
use problem::HttpError;
use sealing::Keyring;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Strict},
};

use super::{rules, store};
use crate::{
    endpoint::{self, EndpointError},
    permissions::WriteWebhooks,
    signing::SigningSecret,
};

/// Reads what an endpoint's messages are signed with, for whoever is to verify them.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "The endpoint's id")),
    responses((status = 200, description = "Its secrets", body = EndpointSecret), Credentialed, NotFound),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[get("/api/v1/webhooks/endpoints/{id}/secret")]
pub(crate) async fn get_webhook_secret(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let read = db.transaction(async |conn| {
        endpoint::store::find(conn, caller.org, id).await?;
        let held = store::held(conn, &keyring, (caller.org, id)).await?;
        audit::record(conn, &by, Entry::of(audited::SECRET_READ).on(id)).await?;
        Ok::<_, HttpError>(held)
    });
    let secrets = shown(&read.await?)?;
    let never = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(HttpResponse::Ok().insert_header(never).json(secrets))
}

/// Signs with another secret from now on, and for a while with the old one beside it, so that
/// receivers can change over. Read the new one by `GET …/secret`.
#[utoipa::path(
    tag = "Webhook endpoints",
    params(("id" = EndpointId, Path, description = "The endpoint's id"), idempotency::Key),
    request_body = NewSecret,
    responses((status = 204, description = "It signs"), Credentialed, Bodied, NotFound, Keyed),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/endpoints/{id}/rotate-secret")]
pub(crate) async fn rotate_webhook_secret(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    id: Path<EndpointId>,
    Strict(new): Strict<NewSecret>,
    once: Idempotency,
    db: Data<Db>,
    keyring: Data<Keyring>,
) -> Result<HttpResponse, HttpError> {
    let (by, id) = (origin.caller(&caller), *id);
    let secret = rules::accept(&new)?.map_or_else(SigningSecret::generate, Ok)?;
    once.run(&db, async |conn| {
        endpoint::store::hold(conn, caller.org, id).await?;
        if store::retire(conn, (caller.org, id), new.overlap_seconds).await? > rules::MOST_RETIRING {
            return Err(EndpointError::TooManySecrets(rules::MOST_RETIRING).into());
        }
        store::insert(conn, &keyring, (caller.org, id), &secret).await?;
        audit::record(conn, &by, Entry::of(audited::SECRET_ROTATED).on(id)).await?;
        Ok(HttpResponse::NoContent().finish())
    })
    .await
}

fn shown(held: &[store::Held]) -> Result<EndpointSecret, EndpointError> {
    let (current, retiring) = held.split_first().ok_or(EndpointError::Broken)?;
    let retiring = retiring.iter().filter_map(|held| {
        Some(RetiringSecret { secret: held.secret.shown(), expires_at: held.expires_at? })
    });
    Ok(EndpointSecret { secret: current.secret.shown(), retiring: retiring.collect() })
}
