use std::collections::BTreeMap;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, delete, dev::Payload, get, http::header::ETAG, patch, put, web,
};
use contract_prefs::{
    MERGE_PATCH, NamespaceName, PreferenceDocument, Preferences, events::PreferencesChanged,
};
use diesel_async::AsyncPgConnection;
use futures_util::future::LocalBoxFuture;
use identity::{Can, Principal};
use ids::Timestamp;
use problem::HttpError;
use serde::Deserialize;
use service_kit::{
    db::{self, Db},
    http::{Bodied, Credentialed, NotFound, Queried, Strict, read_json},
};
use utoipa::IntoParams;

use super::{
    DocumentError, Held,
    rules::{self, Change},
    store,
};
use crate::{
    erasure,
    namespace::Validators,
    permissions::{ReadPreferences, WritePreferences},
    precondition::{Preconditioned, Preconditions},
};

/// How often a write that relies on nothing (`If-Match: *`) is tried against others.
const TRIES: usize = 16;

/// The query of [`get_preferences`].
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreferencesQuery {
    /// Whether to say where each value comes from.
    #[serde(default)]
    #[param(default = false)]
    provenance: bool,
}

/// Reads all preferences: every namespace, merged.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "get_preferences",
    params(PreferencesQuery),
    responses((status = 200, description = "The caller's preferences", body = Preferences), Credentialed, Queried),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs")]
pub(crate) async fn get_preferences(
    caller: Can<ReadPreferences>,
    query: web::Query<PreferencesQuery>,
    db: web::Data<Db>,
    validators: web::Data<Validators>,
) -> Result<web::Json<Preferences>, HttpError> {
    let held = store::all(&mut *db.connection().await?, caller.org, caller.user).await?;
    let held = held.into_iter().map(|held| fitted(held, &validators)).collect::<Result<Vec<_>, _>>()?;
    let by_name = |held: &Held| held.namespace.clone();
    let sources = |held: &Held| (by_name(held), rules::provenance(&held.defaults, &held.layer));
    Ok(web::Json(Preferences {
        preferences: held.iter().map(|held| (by_name(held), held.merged())).collect(),
        etags: held.iter().map(|held| (by_name(held), held.etag().to_string())).collect(),
        provenance: query.provenance.then(|| held.iter().map(sources).collect::<BTreeMap<_, _>>()),
    }))
}

/// Reads one document: the caller's overrides merged over the defaults.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "get_preference_document",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known already"),
    ),
    responses(
        (status = 200, description = "The merged document", body = Object,
            headers(("ETag" = String, description = "For `If-Match` and `If-None-Match`"))),
        (status = 304, description = "It is still the one of `If-None-Match`"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs/{namespace}")]
pub(crate) async fn get_preference_document(
    caller: Can<ReadPreferences>,
    name: web::Path<NamespaceName>,
    preconditions: Preconditions,
    db: web::Data<Db>,
    validators: web::Data<Validators>,
) -> Result<HttpResponse, HttpError> {
    let held = store::find(&mut *db.connection().await?, caller.org, caller.user, &name).await?;
    if preconditions.is_known(&held.etag()) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, held.etag())).finish());
    }
    let held = fitted(held, &validators)?;
    Ok(HttpResponse::Ok().insert_header((ETAG, held.etag())).json(held.merged()))
}

/// Replaces all of the caller's overrides. What the body leaves out is inherited.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "replace_preference_document",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body(content = Object, description = "The overrides", example = json!({"theme": "dark"})),
    responses(
        (status = 200, description = "The merged document", body = Object,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write"]), ("api_key" = ["prefs:write"]))
)]
#[put("/api/v1/prefs/{namespace}")]
pub(crate) async fn replace_preference_document(
    caller: Can<WritePreferences>,
    name: web::Path<NamespaceName>,
    preconditions: Preconditions,
    Strict(document): Strict<PreferenceDocument>,
    db: web::Data<Db>,
    validators: web::Data<Validators>,
) -> Result<HttpResponse, HttpError> {
    change(&db, &validators, &caller, &name, &preconditions, &Change::Replace(document)).await
}

/// Changes some of the caller's overrides by a merge patch (RFC 7396).
///
/// `null` takes an override back, so that the inherited value returns.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "patch_preference_document",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body(content = Object, content_type = "application/merge-patch+json",
        description = "The changes", example = json!({"theme": "dark", "density": null})),
    responses(
        (status = 200, description = "The merged document", body = Object,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write"]), ("api_key" = ["prefs:write"]))
)]
#[patch("/api/v1/prefs/{namespace}")]
pub(crate) async fn patch_preference_document(
    caller: Can<WritePreferences>,
    name: web::Path<NamespaceName>,
    preconditions: Preconditions,
    MergePatch(patch): MergePatch,
    db: web::Data<Db>,
    validators: web::Data<Validators>,
) -> Result<HttpResponse, HttpError> {
    change(&db, &validators, &caller, &name, &preconditions, &Change::Patch(patch)).await
}

/// Takes back all of the caller's overrides; answers with what is inherited.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "reset_preference_document",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    responses(
        (status = 200, description = "The inherited document", body = Object,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Queried, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write"]), ("api_key" = ["prefs:write"]))
)]
#[delete("/api/v1/prefs/{namespace}")]
pub(crate) async fn reset_preference_document(
    caller: Can<WritePreferences>,
    name: web::Path<NamespaceName>,
    preconditions: Preconditions,
    db: web::Data<Db>,
    validators: web::Data<Validators>,
) -> Result<HttpResponse, HttpError> {
    change(&db, &validators, &caller, &name, &preconditions, &Change::Reset).await
}

/// Reads, checks what the writer relies on, changes, and writes if all is as it was
/// read. If it is not, the writer's precondition is checked anew: a stale one fails
/// then, with the ETag of today, and `*` goes on.
async fn change(
    db: &Db,
    validators: &Validators,
    caller: &Principal,
    name: &NamespaceName,
    preconditions: &Preconditions,
    change: &Change,
) -> Result<HttpResponse, HttpError> {
    let mut conn = db.connection().await?;
    for _ in 0..TRIES {
        let held = store::find(&mut conn, caller.org, caller.user, name).await?;
        preconditions.admit_write(&held.etag()).map_err(|why| why.with_current(&held.etag()))?;
        let validator = validators.find(&mut conn, name, held.namespace_version).await?;
        let Some(validator) = validator else { continue };
        let held = fitted(held, validators)?;
        let layer = change.apply(&held.layer);
        let merged = rules::accept(&held.defaults, &layer, |merged| validator.faults(merged))?;
        if let Some(version) = write(&mut conn, caller, &held, &layer).await? {
            let etag = Held { version, ..held }.etag();
            return Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(merged));
        }
        if erasure::is_noted(&mut conn, caller.org, caller.user).await? {
            return Err(DocumentError::OwnerGone.into());
        }
    }
    Err(DocumentError::Contended.into())
}

/// Writes, and tells the other services; gives the new version, or `None` when something
/// has changed since `held` was read.
async fn write(
    conn: &mut AsyncPgConnection,
    caller: &Principal,
    held: &Held,
    layer: &PreferenceDocument,
) -> Result<Option<i64>, DocumentError> {
    let (org_id, user_id) = (caller.org, caller.user);
    db::transaction(conn, async |conn| {
        let written = store::write(conn, org_id, user_id, held, layer, Timestamp::now());
        let Some(version) = written.await? else { return Ok(None) };
        let namespace = held.namespace.clone();
        events::publish(conn, &PreferencesChanged { org_id, user_id, namespace, version }).await?;
        Ok(Some(version))
    })
    .await
}

/// Leaves out what does not fit a schema that is newer than the layer.
fn fitted(held: Held, validators: &Validators) -> Result<Held, DocumentError> {
    let Some(schema) = &held.schema else { return Ok(held) };
    let validator = validators.of(&held.namespace, held.namespace_version, schema)?;
    let layer = rules::fitting(&held.defaults, held.layer, |merged| validator.faults(merged));
    Ok(Held { layer, schema: None, ..held })
}

/// A body of a PATCH.
pub(crate) struct MergePatch(PreferenceDocument);

impl FromRequest for MergePatch {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let patch = read_json(request, payload, &[MERGE_PATCH]);
        Box::pin(async move { Ok(Self(patch.await?)) })
    }
}
