use actix_web::{
    HttpResponse, delete, get,
    web::{Data, Json, Path, Query},
};
use audit::Origin;
use contract_auth::GrantList;
use identity::{Can, Revocations};
use ids::{GrantId, Timestamp};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Queried},
    page::PageQuery,
};

use super::{GrantError, act, store};
use crate::{
    permissions::{ReadAuth, WriteAuth},
    rights,
};

const LIST: &str = "grants";

/// Lists the leaves that the caller gave to long-running work in this organisation and that
/// have not ended, the latest first.
#[utoipa::path(
    tag = "Grants",
    params(PageQuery),
    responses((status = 200, description = "A page of grants", body = GrantList), Credentialed, Queried),
    security(("bearer" = ["auth:read"]), ("api_key" = ["auth:read"]))
)]
#[get("/api/v1/auth/grants")]
pub(crate) async fn list_grants(
    caller: Can<ReadAuth>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<GrantList>, HttpError> {
    let (page, now) = (query.page(LIST)?, Timestamp::now());
    let mut connection = db.connection().await?;
    let mut data = store::list(&mut connection, caller.org, caller.user, page, now).await?;
    let next_cursor = page.cut(LIST, &mut data, |grant| grant.id.uuid());
    Ok(Json(GrantList { data, next_cursor }))
}

/// Takes a grant back: the work gets no token any more, and those it has are void within a
/// second.
#[utoipa::path(
    tag = "Grants",
    params(("id" = GrantId, Path, description = "Which grant")),
    responses((status = 204, description = "Taken back"), Credentialed, NotFound),
    security(("bearer" = ["auth:write"]))
)]
#[delete("/api/v1/auth/grants/{id}")]
pub(crate) async fn revoke_grant(
    caller: Can<WriteAuth>,
    id: Path<GrantId>,
    db: Data<Db>,
    revocations: Data<Revocations>,
    origin: Origin,
) -> Result<HttpResponse, HttpError> {
    caller.session()?;
    let id = id.into_inner();
    let voided = db
        .transaction(async |connection| {
            rights::store::require_live(connection, &caller).await?;
            let ended = store::revoke(connection, caller.org, caller.user, id).await?;
            let ended = ended.ok_or(GrantError::Unknown)?;
            Ok::<_, GrantError>(act::end(connection, &origin.caller(&caller), id, ended).await?)
        })
        .await?;
    revocations.hear(voided);
    Ok(HttpResponse::NoContent().finish())
}
