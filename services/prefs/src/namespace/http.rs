use actix_web::{
    HttpResponse, get,
    http::header::{ETAG, EntityTag},
    put, web,
};
use audit::{By, Entry, Origin};
use contract_prefs::{Namespace, NamespaceName, NamespacePage, NamespaceVersionPage, NewNamespace, audited};
use identity::{Can, Principal};
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{NamespaceError, rules, store};
use crate::{
    migration::Migrate,
    permissions::AdministerPreferences,
    precondition::{PreconditionError, Preconditioned, Preconditions, Wanted},
};

/// Names the list, so that cursors of others are refused.
const LIST: &str = "preference-namespaces";

/// Lists the namespaces, oldest first.
#[utoipa::path(
    tag = "Preference namespaces",
    operation_id = "list_preference_namespaces",
    params(PageQuery),
    responses((status = 200, description = "A page of namespaces", body = NamespacePage), Credentialed, Queried),
    security(("bearer" = ["prefs:admin"]), ("api_key" = ["prefs:admin"]))
)]
#[get("/api/v1/admin/prefs/namespaces")]
pub(crate) async fn list_preference_namespaces(
    _caller: Can<AdministerPreferences>,
    query: web::Query<PageQuery>,
    db: web::Data<Db>,
) -> Result<web::Json<NamespacePage>, HttpError> {
    let page = query.page(LIST)?;
    let mut data = store::list(&mut *db.connection().await?, page).await?;
    let next_cursor = page.cut(LIST, &mut data, |namespace| namespace.id.uuid());
    Ok(web::Json(NamespacePage { data, next_cursor }))
}

/// Reads one namespace: its schema, its defaults, its version.
#[utoipa::path(
    tag = "Preference namespaces",
    operation_id = "get_preference_namespace",
    params(("namespace" = NamespaceName, Path, description = "Its name")),
    responses(
        (status = 200, description = "The namespace", body = Namespace,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 304, description = "It is still the one of `If-None-Match`"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["prefs:admin"]), ("api_key" = ["prefs:admin"]))
)]
#[get("/api/v1/admin/prefs/namespaces/{namespace}")]
pub(crate) async fn get_preference_namespace(
    _caller: Can<AdministerPreferences>,
    name: web::Path<NamespaceName>,
    preconditions: Preconditions,
    db: web::Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let found = store::find(&mut *db.connection().await?, &name).await?;
    let namespace = found.ok_or(NamespaceError::Unknown(name.into_inner()))?;
    if preconditions.is_known(&etag(&namespace)) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag(&namespace))).finish());
    }
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&namespace))).json(namespace))
}

/// Lists the versions of a namespace, newest first: its schemas, and what led from one to
/// the next.
#[utoipa::path(
    tag = "Preference namespaces",
    operation_id = "list_preference_namespace_versions",
    params(("namespace" = NamespaceName, Path, description = "Its name"), PageQuery),
    responses(
        (status = 200, description = "A page of versions", body = NamespaceVersionPage),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["prefs:admin"]), ("api_key" = ["prefs:admin"]))
)]
#[get("/api/v1/admin/prefs/namespaces/{namespace}/versions")]
pub(crate) async fn list_preference_namespace_versions(
    _caller: Can<AdministerPreferences>,
    name: web::Path<NamespaceName>,
    query: web::Query<PageQuery>,
    db: web::Data<Db>,
) -> Result<web::Json<NamespaceVersionPage>, HttpError> {
    let list = format!("preference-namespace-versions/{name}");
    let page = query.page(&list)?;
    let mut data = store::versions(&mut *db.connection().await?, &name, page).await?;
    if data.is_empty() && page.after.is_none() {
        return Err(NamespaceError::Unknown(name.into_inner()).into());
    }
    let next_cursor = page.cut(&list, &mut data, |version| rules::place(version.version));
    Ok(web::Json(NamespaceVersionPage { data, next_cursor }))
}

/// Registers a namespace, or replaces one.
///
/// To register, send no precondition or `If-None-Match: *`. To replace, send `If-Match`
/// with the ETag that was read: the version grows by one. What is stored is led to the new
/// schema by the steps of `migration`, at once for whoever reads and by and by where it is
/// stored. Overrides that do not fit all the same are left out of what is read.
#[utoipa::path(
    tag = "Preference namespaces",
    operation_id = "put_preference_namespace",
    params(
        ("namespace" = NamespaceName, Path, description = "Its name"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read, to replace"),
        ("If-None-Match" = Option<String>, Header, description = "`*`, to register only"),
    ),
    request_body = NewNamespace,
    responses(
        (status = 200, description = "It is replaced", body = Namespace,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 201, description = "It is registered", body = Namespace,
            headers(("ETag" = String, description = "Its version, for `If-Match`"))),
        Credentialed, Bodied, Preconditioned
    ),
    security(("bearer" = ["prefs:admin"]), ("api_key" = ["prefs:admin"]))
)]
#[put("/api/v1/admin/prefs/namespaces/{namespace}")]
pub(crate) async fn put_preference_namespace(
    caller: Can<AdministerPreferences>,
    origin: Origin,
    name: web::Path<String>,
    preconditions: Preconditions,
    Strict(new): Strict<NewNamespace>,
    db: web::Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let name = rules::accept_name(&name)?;
    let by = origin.caller(&caller);
    if preconditions.matching == Wanted::Nothing {
        rules::accept(&new)?;
        let created = put(&db, &caller, &by, &name, 0, &new).await?;
        let created = created.ok_or_else(|| taken(&preconditions, name))?;
        return Ok(HttpResponse::Created().insert_header((ETAG, etag(&created))).json(created));
    }
    let held = store::find(&mut *db.connection().await?, &name).await?.ok_or(PreconditionError::Failed)?;
    preconditions.admit_write(&etag(&held)).map_err(|why| why.with_current(&etag(&held)))?;
    rules::accept(&new)?;
    let replaced = put(&db, &caller, &by, &name, held.version, &new).await?;
    let replaced = replaced.ok_or(PreconditionError::Failed)?;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&replaced))).json(replaced))
}

/// `None` when it is not what was read any more: of `version`, which is 0 before the first.
async fn put(
    db: &Db,
    caller: &Principal,
    by: &By,
    name: &NamespaceName,
    version: i64,
    new: &NewNamespace,
) -> Result<Option<Namespace>, NamespaceError> {
    db.transaction(async |conn| {
        let put = store::put(conn, name, version, new, caller.user, Timestamp::now()).await?;
        let Some(namespace) = put else { return Ok(None) };
        let entry = match version {
            0 => Entry::of(audited::NAMESPACE_REGISTERED),
            _ => Entry::of(audited::NAMESPACE_REPLACED).with("version", namespace.version),
        };
        audit::record(conn, by, entry.on(namespace.id).with("name", name.as_str())).await?;
        if version > 0 {
            Migrate::enqueue(conn, name).await?;
        }
        Ok(Some(namespace))
    })
    .await
}

/// The refusal to register what is registered already.
fn taken(preconditions: &Preconditions, name: NamespaceName) -> HttpError {
    match preconditions.other_than {
        Wanted::Nothing => NamespaceError::Exists(name).into(),
        _ => PreconditionError::Failed.into(),
    }
}

fn etag(namespace: &Namespace) -> EntityTag {
    EntityTag::new_strong(namespace.version.to_string())
}
