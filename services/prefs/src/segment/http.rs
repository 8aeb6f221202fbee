use actix_web::{
    HttpResponse, delete, get,
    http::header::{ETAG, EntityTag},
    put,
    web::{Data, Json, Path, Query},
};
use audit::{By, Entry, Origin};
use contract_prefs::{FlagKey, NewSegment, Segment, SegmentPage, audited, events::SegmentChanged};
use diesel_async::AsyncPgConnection;
use identity::{Can, Principal};
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{rules, store};
use crate::{
    environment::http::Used,
    evaluation::{self, Evaluator},
    flag_set::{self, FlagError},
    permissions::{ReadFlags, WriteFlags},
    precondition::{PreconditionError, Preconditioned, Preconditions, Wanted},
};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "flag-segments";

/// Lists the segments of the organisation, oldest first.
#[utoipa::path(
    tag = "Feature flags",
    params(PageQuery),
    responses((status = 200, description = "A page of segments", body = SegmentPage), Credentialed, Queried),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/flag-segments")]
pub(crate) async fn list_flag_segments(
    caller: Can<ReadFlags>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<SegmentPage>, HttpError> {
    let page = query.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, caller.org, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |segment| segment.id.uuid());
    Ok(Json(SegmentPage { data, next_cursor }))
}

/// Reads a segment.
#[utoipa::path(
    tag = "Feature flags",
    params(("key" = FlagKey, Path, description = "Its key")),
    responses(
        (status = 200, description = "The segment", body = Segment,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 304, description = "It is still the one of `If-None-Match`"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["flags:read"]), ("api_key" = ["flags:read"]))
)]
#[get("/api/v1/flag-segments/{key}")]
pub(crate) async fn get_flag_segment(
    caller: Can<ReadFlags>,
    key: Path<FlagKey>,
    preconditions: Preconditions,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let found = store::find(&mut *db.connection().await?, caller.org, &key).await?;
    let segment = found.ok_or(FlagError::Unknown("segment"))?;
    if preconditions.is_known(&etag(&segment)) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag(&segment))).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&segment))).json(segment))
}

/// Makes a segment (`If-None-Match: *`), or replaces one (`If-Match`). The flags that name
/// it serve other people within a second.
#[utoipa::path(
    tag = "Feature flags",
    params(
        ("key" = FlagKey, Path, description = "Its key"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read, to replace"),
        ("If-None-Match" = Option<String>, Header, description = "`*`, to make one"),
    ),
    request_body = NewSegment,
    responses(
        (status = 200, description = "It is replaced", body = Segment,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 201, description = "It is made", body = Segment,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        Credentialed, Bodied, Preconditioned
    ),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[put("/api/v1/flag-segments/{key}")]
pub(crate) async fn put_flag_segment(
    caller: Can<WriteFlags>,
    origin: Origin,
    key: Path<FlagKey>,
    preconditions: Preconditions,
    Strict(new): Strict<NewSegment>,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    rules::accept(&new)?;
    let work = async |conn: &mut _| write(conn, &by, &caller, &key, &preconditions, &new).await;
    let (segment, is_new) = evaluator.db().transaction(work).await?;
    evaluator.expire(caller.org);
    let mut reply = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(reply.insert_header((ETAG, etag(&segment))).json(segment))
}

/// Deletes a segment that no flag and no experiment names.
#[utoipa::path(
    tag = "Feature flags",
    params(
        ("key" = FlagKey, Path, description = "Its key"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    responses((status = 204, description = "It is gone"), Credentialed, Queried, NotFound, Preconditioned, Used),
    security(("bearer" = ["flags:write"]), ("api_key" = ["flags:write"]))
)]
#[delete("/api/v1/flag-segments/{key}")]
pub(crate) async fn delete_flag_segment(
    caller: Can<WriteFlags>,
    origin: Origin,
    key: Path<FlagKey>,
    preconditions: Preconditions,
    evaluator: Data<Evaluator>,
) -> Result<HttpResponse, HttpError> {
    let by = origin.caller(&caller);
    let work = async |conn: &mut _| delete(conn, &by, &caller, &key, &preconditions).await;
    evaluator.db().transaction(work).await?;
    evaluator.expire(caller.org);
    Ok(HttpResponse::NoContent().finish())
}

/// Writes the segment if it is as its writer says; tells whether it is new.
async fn write(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    key: &FlagKey,
    preconditions: &Preconditions,
    new: &NewSegment,
) -> Result<(Segment, bool), HttpError> {
    let version = flag_set::store::begin(conn, caller).await?;
    let held = store::find(conn, caller.org, key).await?;
    match &held {
        Some(held) => {
            preconditions.admit_write(&etag(held)).map_err(|why| why.with_current(&etag(held)))?;
        }
        None if preconditions.matching != Wanted::Nothing => return Err(PreconditionError::Failed.into()),
        None if store::count(conn, caller.org).await? >= rules::MOST_SEGMENTS => {
            return Err(FlagError::TooMany { what: "segments", most: rules::MOST_SEGMENTS }.into());
        }
        None => {}
    }
    let segment = store::write(conn, caller.org, key, version, new, Timestamp::now()).await?;
    let entry = Entry::of(audited::SEGMENT_WRITTEN).on(segment.id).with("key", key.as_str());
    audit::record(conn, by, entry).await?;
    tell(conn, caller, &segment, version, false).await?;
    Ok((segment, held.is_none()))
}

async fn delete(
    conn: &mut AsyncPgConnection,
    by: &By,
    caller: &Principal,
    key: &FlagKey,
    preconditions: &Preconditions,
) -> Result<(), HttpError> {
    let version = flag_set::store::begin(conn, caller).await?;
    let held = store::find(conn, caller.org, key).await?.ok_or(FlagError::Unknown("segment"))?;
    preconditions.admit_write(&etag(&held)).map_err(|why| why.with_current(&etag(&held)))?;
    let snapshot = evaluation::store::snapshot(conn, caller.org).await?;
    if let Some(by) = snapshot.user_of_segment(key.as_str()) {
        return Err(FlagError::InUse { key: key.clone(), by }.into());
    }
    store::delete(conn, caller.org, held.id).await?;
    let entry = Entry::of(audited::SEGMENT_DELETED).on(held.id).with("key", key.as_str());
    audit::record(conn, by, entry).await?;
    tell(conn, caller, &held, version, true).await?;
    Ok(())
}

async fn tell(
    conn: &mut AsyncPgConnection,
    caller: &Principal,
    segment: &Segment,
    version: i64,
    deleted: bool,
) -> Result<(), FlagError> {
    let (org_id, segment_id, key) = (caller.org, segment.id, segment.key.clone());
    events::publish(conn, &SegmentChanged { org_id, segment_id, key, deleted, version }).await?;
    Ok(())
}

fn etag(segment: &Segment) -> EntityTag {
    EntityTag::new_strong(segment.version.to_string())
}
