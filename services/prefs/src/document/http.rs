use std::collections::BTreeMap;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, delete, dev::Payload, get, http::header::ETAG, patch, put, web,
};
use contract_prefs::{MERGE_PATCH, NamespaceName, PreferenceDocument, Preferences};
use futures_util::future::LocalBoxFuture;
use identity::Can;
use problem::HttpError;
use serde::Deserialize;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict, read_json},
};
use utoipa::IntoParams;

use super::{
    Held, Whose,
    act::{Changed, Target, fitted},
    rules::{self, Change},
    store,
};
use crate::{
    namespace::Validators,
    permissions::{ReadPreferences, WritePreferences},
    precondition::{Preconditioned, Preconditions},
};

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
    let traced = query.provenance;
    Ok(web::Json(Preferences {
        preferences: by_name(&held, |held| held.merged(Whose::User)),
        etags: by_name(&held, |held| held.etag(Whose::User).to_string()),
        provenance: traced.then(|| by_name(&held, rules::provenance)),
        locked: traced.then(|| by_name(&held, |held| held.locks(Whose::User))),
    }))
}

fn by_name<T>(all: &[Held], tell: impl Fn(&Held) -> T) -> BTreeMap<NamespaceName, T> {
    all.iter().map(|held| (held.namespace.clone(), tell(held))).collect()
}

/// Reads one document: the caller's overrides, merged over the
/// organisation's, over the defaults.
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
    let etag = held.etag(Whose::User);
    if preconditions.is_known(&etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    let merged = fitted(held, &validators)?.merged(Whose::User);
    Ok(HttpResponse::Ok().insert_header((ETAG, etag)).json(merged))
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
    target: Target,
    Strict(document): Strict<PreferenceDocument>,
    db: web::Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::User);
    Ok(of_user(act.change(&mut *db.connection().await?, &Change::Replace(document)).await?))
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
    target: Target,
    MergePatch(patch): MergePatch,
    db: web::Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::User);
    Ok(of_user(act.change(&mut *db.connection().await?, &Change::Patch(patch)).await?))
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
    target: Target,
    db: web::Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::User);
    Ok(of_user(act.change(&mut *db.connection().await?, &Change::Reset).await?))
}

/// What a user is told of their document after a change.
pub(crate) fn of_user(changed: Changed) -> HttpResponse {
    let etag = changed.held.etag(Whose::User);
    HttpResponse::Ok().insert_header((ETAG, etag)).json(changed.merged)
}

/// A body of a PATCH.
pub(crate) struct MergePatch(pub(crate) PreferenceDocument);

impl FromRequest for MergePatch {
    type Error = HttpError;
    type Future = LocalBoxFuture<'static, Result<Self, HttpError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let patch = read_json(request, payload, &[MERGE_PATCH]);
        Box::pin(async move { Ok(Self(patch.await?)) })
    }
}
