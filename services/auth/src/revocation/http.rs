use actix_web::{
    get,
    web::{Data, Json, Query},
};
use identity::{Feed, Since};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Overloaded, Queried},
};

use super::read;

/// Which tokens are void before they expire, as far as it was committed since the
/// cursor of the answer before. Like the key set it is open to all that reach the
/// internal listener: it names users, sessions and keys by their ids, and nothing else.
#[utoipa::path(
    tag = "Internal",
    params(("since" = Option<String>, Query, description = "The cursor of the answer before")),
    responses((status = 200, description = "The cursor, and the revocations", body = Object), Queried, Overloaded)
)]
#[get("/internal/v1/auth/revocations")]
pub(crate) async fn get_revocations(query: Query<Since>, db: Data<Db>) -> Result<Json<Feed>, HttpError> {
    Ok(Json(read(&db, query.since.as_deref()).await?))
}
