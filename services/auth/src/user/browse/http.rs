use actix_web::{
    get,
    web::{Data, Json, Path, Query},
};
use contract_auth::{UserDetails, UserList, UserQuery};
use identity::Can;
use ids::UserId;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Credentialed, NotFound, Queried},
    page::PageQuery,
};

use super::store;
use crate::{permissions::AdministerAuth, user::UserError};

const LIST: &str = "users";

/// Lists users, the latest first, as the query narrows them.
#[utoipa::path(
    tag = "Administration",
    params(UserQuery),
    responses((status = 200, description = "A page of users", body = UserList), Credentialed, Queried),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[get("/api/v1/admin/users")]
pub(crate) async fn list_users(
    _caller: Can<AdministerAuth>,
    query: Query<UserQuery>,
    db: Data<Db>,
) -> Result<Json<UserList>, HttpError> {
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, &query, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |user| user.id.uuid());
    Ok(Json(UserList { data, next_cursor }))
}

/// Reads all about a user.
#[utoipa::path(
    tag = "Administration",
    params(("id" = UserId, Path, description = "Which user")),
    responses((status = 200, description = "The user", body = UserDetails), Credentialed, NotFound),
    security(("bearer" = ["auth:admin"]), ("api_key" = ["auth:admin"]))
)]
#[get("/api/v1/admin/users/{id}")]
pub(crate) async fn get_user(
    _caller: Can<AdministerAuth>,
    id: Path<UserId>,
    db: Data<Db>,
) -> Result<Json<UserDetails>, HttpError> {
    let found = store::find(&mut *db.connection().await?, *id).await?;
    Ok(Json(found.ok_or(UserError::Unknown)?))
}
