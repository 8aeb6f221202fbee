use actix_web::{
    HttpRequest, HttpResponse, get,
    http::header::CACHE_CONTROL,
    post,
    web::{Bytes, Data, Json},
};
use contract_auth::{IssuedToken, TokenRequest};
use problem::{HttpError, Problem};
use serde_json::json;
use service_kit::http::{Overloaded, Unauthenticated};

use super::{Clients, Exchanges, IssueError, TokenError};
use crate::{settings::PublicOrigin, signing_key::SigningKeys};

/// How long verifiers may keep the key set, seconds.
const KEEP_KEYS: &str = "public, max-age=300";

/// Gives one of our own services a token: its own (client credentials), or one made
/// from another (RFC 8693 exchange). The client proves itself by HTTP Basic.
#[utoipa::path(
    tag = "Internal",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token", body = IssuedToken),
        (status = 400, description = "As RFC 6749 section 5.2 says", body = Problem,
         content_type = "application/problem+json"),
        Unauthenticated, Overloaded
    ),
    security(("client" = []))
)]
#[post("/internal/v1/auth/token")]
pub(crate) async fn create_token(
    request: HttpRequest,
    body: Bytes,
    clients: Data<Clients>,
    exchanges: Data<Exchanges>,
) -> Result<Json<IssuedToken>, HttpError> {
    let client = clients.authenticate(request.headers()).ok_or(TokenError::InvalidClient)?;
    let form: TokenRequest =
        serde_urlencoded::from_bytes(&body).map_err(|why| TokenError::InvalidRequest(why.to_string()))?;
    Ok(Json(exchanges.issue(client, &form).await?))
}

/// The public keys of this installation's tokens (RFC 7517), inside.
#[utoipa::path(
    tag = "Internal",
    responses((status = 200, description = "A JWK set", body = Object), Overloaded)
)]
#[get("/internal/v1/auth/jwks.json")]
pub(crate) async fn get_internal_jwks(keys: Data<SigningKeys>) -> Result<HttpResponse, HttpError> {
    std::future::ready(published(&keys)).await
}

/// The public keys that access tokens verify with (a JWK set, RFC 7517).
#[utoipa::path(
    tag = "Discovery",
    responses((status = 200, description = "A JWK set", body = Object,
               example = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                                          "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                                          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})),
        Overloaded)
)]
#[get("/.well-known/jwks.json")]
pub(crate) async fn get_jwks(keys: Data<SigningKeys>) -> Result<HttpResponse, HttpError> {
    std::future::ready(published(&keys)).await
}

/// Where the keys are and how tokens look, for libraries that begin here (OpenID
/// Connect Discovery 1.0; sign-in itself is by this API, not by redirects).
#[utoipa::path(
    tag = "Discovery",
    responses((status = 200, description = "The issuer's metadata", body = Object))
)]
#[get("/.well-known/openid-configuration")]
pub(crate) async fn get_discovery(origin: Data<PublicOrigin>) -> HttpResponse {
    let issuer = origin.as_str();
    let metadata = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "subject_types_supported": ["public"],
        "response_types_supported": [],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "jti", "org", "scope", "roles", "ver", "sid", "act"
        ],
    });
    let reply = HttpResponse::Ok().insert_header((CACHE_CONTROL, KEEP_KEYS)).json(metadata);
    std::future::ready(reply).await
}

fn published(keys: &SigningKeys) -> Result<HttpResponse, HttpError> {
    let keys = keys.published().ok_or(IssueError::NoKey)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, KEEP_KEYS)).json(&*keys))
}
