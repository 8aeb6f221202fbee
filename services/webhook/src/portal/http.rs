use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
    post,
    web::Data,
};
use audit::{Entry, Origin};
use contract_auth::Secret;
use contract_webhook::{NewPortalLink, PortalLink, audited};
use identity::Can;
use ids::Timestamp;
use problem::{HttpError, Problem};
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, Overloaded, Strict},
};

use super::{Links, page};
use crate::permissions::WriteWebhooks;

/// Makes a link to the page where the organisation's endpoints are looked after, for whoever is to do so. It
/// ends after a quarter of an hour, and with the session or key that made it.
#[utoipa::path(
    tag = "Webhook portal",
    request_body = NewPortalLink,
    responses(
        (status = 201, description = "The link, shown this once", body = PortalLink),
        (status = 503, description = "auth is away, or webhook has no secret of its own for it", body = Problem,
         content_type = "application/problem+json"),
        Credentialed, Bodied
    ),
    security(("bearer" = ["webhooks:write"]), ("api_key" = ["webhooks:write"]))
)]
#[post("/api/v1/webhooks/portal-links")]
pub(crate) async fn create_webhook_portal_link(
    caller: Can<WriteWebhooks>,
    origin: Origin,
    request: HttpRequest,
    Strict(new): Strict<NewPortalLink>,
    links: Data<Links>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = Secret::from(shown.and_then(|text| text.get("Bearer ".len()..)).unwrap_or_default());
    let scope = if new.read_only { "webhooks:read" } else { "webhooks:read webhooks:write" };
    let issued = links.token(shown, scope).await?;
    let entry = Entry::of(audited::PORTAL_LINK_CREATED).with("read_only", new.read_only);
    audit::record(&mut *db.connection().await?, &origin.caller(&caller), entry).await?;
    let lasts = std::time::Duration::from_secs(issued.expires_in.try_into().unwrap_or_default());
    let link = PortalLink {
        url: links.url(&issued.access_token),
        token: issued.access_token.expose().to_owned(),
        expires_at: Timestamp::now() + lasts,
    };
    Ok(HttpResponse::Created().insert_header((CACHE_CONTROL, "no-store")).json(link))
}

/// The page that links lead to: endpoints, what was sent to them, and what came of it.
#[utoipa::path(
    tag = "Webhook portal",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), Overloaded)
)]
#[get("/api/v1/webhooks/portal")]
pub(crate) async fn get_webhook_portal() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, page::POLICY.as_str()))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(page::HTML)
}
