use actix_web::{
    HttpResponse, get,
    http::header::{ETAG, EntityTag},
    put, web,
};
use audit::{By, Entry, Origin};
use contract_prefs::{Namespace, NamespaceId, NamespaceName, NamespacePage, NewNamespace, audited};
use identity::Can;
use ids::Timestamp;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::{NamespaceError, rules, store};
use crate::{
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

/// Registers a namespace, or replaces one.
///
/// To register, send no precondition or `If-None-Match: *`. To replace, send `If-Match`
/// with the ETag that was read: the version grows by one. Users' overrides that no
/// longer fit the new schema are left out of what they read from then on.
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
        let created = register(&db, &by, &name, &new).await?;
        let created = created.ok_or_else(|| taken(&preconditions, name))?;
        return Ok(HttpResponse::Created().insert_header((ETAG, etag(&created))).json(created));
    }
    let held = store::find(&mut *db.connection().await?, &name).await?.ok_or(PreconditionError::Failed)?;
    preconditions.admit_write(&etag(&held)).map_err(|why| why.with_current(&etag(&held)))?;
    rules::accept(&new)?;
    let replaced = replace(&db, &by, &held, &new).await?.ok_or(PreconditionError::Failed)?;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(&replaced))).json(replaced))
}

/// `None` when the name is taken.
async fn register(
    db: &Db,
    by: &By,
    name: &NamespaceName,
    new: &NewNamespace,
) -> Result<Option<Namespace>, NamespaceError> {
    db.transaction(async |conn| {
        let (id, now) = (NamespaceId::generate(), Timestamp::now());
        let created = store::insert(conn, id, name, new, now).await?;
        if let Some(created) = &created {
            let entry = Entry::of(audited::NAMESPACE_REGISTERED).on(created.id).with("name", name.as_str());
            audit::record(conn, by, entry).await?;
        }
        Ok(created)
    })
    .await
}

/// `None` when it is not what was read any more.
async fn replace(
    db: &Db,
    by: &By,
    held: &Namespace,
    new: &NewNamespace,
) -> Result<Option<Namespace>, NamespaceError> {
    db.transaction(async |conn| {
        let replaced = store::replace(conn, &held.name, held.version, new, Timestamp::now()).await?;
        if let Some(replaced) = &replaced {
            let entry = Entry::of(audited::NAMESPACE_REPLACED).on(replaced.id);
            let entry = entry.with("name", held.name.as_str()).with("version", replaced.version);
            audit::record(conn, by, entry).await?;
        }
        Ok(replaced)
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
