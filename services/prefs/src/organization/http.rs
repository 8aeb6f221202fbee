use actix_web::{
    HttpResponse, delete, get,
    http::header::ETAG,
    patch, put,
    web::{Data, Path},
};
use contract_prefs::{Locks, NamespaceName, OrganizationPreferences, PreferenceDocument};
use identity::Can;
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
};

use crate::{
    document::{
        Held, Whose,
        act::{Target, fitted},
        http::MergePatch,
        rules::Change,
        store,
    },
    namespace::Validators,
    permissions::{ReadPreferences, WriteOrganization, WritePreferences},
    precondition::{Preconditioned, Preconditions},
};

/// Reads the organisation's layer: what it overrides, and what its members cannot.
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "get_organization_preferences",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag that is known already"),
    ),
    responses(
        (status = 200, description = "The layer", body = OrganizationPreferences,
            headers(("ETag" = String, description = "For `If-Match` and `If-None-Match`"))),
        (status = 304, description = "It is still the one of `If-None-Match`"),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs/{namespace}/organization")]
pub(crate) async fn get_organization_preferences(
    caller: Can<ReadPreferences>,
    name: Path<NamespaceName>,
    preconditions: Preconditions,
    db: Data<Db>,
    validators: Data<Validators>,
) -> Result<HttpResponse, HttpError> {
    let held = store::find(&mut *db.connection().await?, caller.org, caller.user, &name).await?;
    let etag = held.etag(Whose::Organization);
    if preconditions.is_known(&etag) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, etag)).finish());
    }
    Ok(of_organization(&fitted(held, &validators)?))
}

/// Replaces all of the organisation's overrides. Its locks stay.
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "replace_organization_preferences",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body(content = Object, description = "The overrides", example = json!({"theme": "dark"})),
    responses(
        (status = 200, description = "The layer", body = OrganizationPreferences,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write", "orgs:write"]), ("api_key" = ["prefs:write", "orgs:write"]))
)]
#[put("/api/v1/prefs/{namespace}/organization")]
pub(crate) async fn replace_organization_preferences(
    _may: Can<WriteOrganization>,
    caller: Can<WritePreferences>,
    target: Target,
    Strict(document): Strict<PreferenceDocument>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::Organization);
    let changed = act.change(&mut *db.connection().await?, &Change::Replace(document)).await?;
    Ok(of_organization(&changed.held))
}

/// Changes some of the organisation's overrides by a merge patch (RFC 7396).
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "patch_organization_preferences",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body(content = Object, content_type = "application/merge-patch+json",
        description = "The changes", example = json!({"theme": "dark", "density": null})),
    responses(
        (status = 200, description = "The layer", body = OrganizationPreferences,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write", "orgs:write"]), ("api_key" = ["prefs:write", "orgs:write"]))
)]
#[patch("/api/v1/prefs/{namespace}/organization")]
pub(crate) async fn patch_organization_preferences(
    _may: Can<WriteOrganization>,
    caller: Can<WritePreferences>,
    target: Target,
    MergePatch(patch): MergePatch,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::Organization);
    let changed = act.change(&mut *db.connection().await?, &Change::Patch(patch)).await?;
    Ok(of_organization(&changed.held))
}

/// Takes back all of the organisation's overrides, and its locks.
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "reset_organization_preferences",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    responses(
        (status = 200, description = "The layer", body = OrganizationPreferences,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Queried, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write", "orgs:write"]), ("api_key" = ["prefs:write", "orgs:write"]))
)]
#[delete("/api/v1/prefs/{namespace}/organization")]
pub(crate) async fn reset_organization_preferences(
    _may: Can<WriteOrganization>,
    caller: Can<WritePreferences>,
    target: Target,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::Organization);
    let changed = act.change(&mut *db.connection().await?, &Change::Reset).await?;
    Ok(of_organization(&changed.held))
}

/// Replaces the organisation's locks: what its members cannot override.
///
/// A member's own value of what is locked is kept, and holds again once it is not.
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "replace_organization_preference_locks",
    params(
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag of the layer that was read, or `*`"),
    ),
    request_body = Locks,
    responses(
        (status = 200, description = "The layer", body = OrganizationPreferences,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned
    ),
    security(("bearer" = ["prefs:write", "orgs:write"]), ("api_key" = ["prefs:write", "orgs:write"]))
)]
#[put("/api/v1/prefs/{namespace}/organization/locks")]
pub(crate) async fn replace_organization_preference_locks(
    _may: Can<WriteOrganization>,
    caller: Can<WritePreferences>,
    target: Target,
    Strict(Locks { locks }): Strict<Locks>,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::Organization);
    let changed = act.change(&mut *db.connection().await?, &Change::Lock(locks)).await?;
    Ok(of_organization(&changed.held))
}

/// What is told of an organisation's layer.
pub(crate) fn of_organization(held: &Held) -> HttpResponse {
    let layer = &held.organization.layer;
    let body = OrganizationPreferences {
        overrides: layer.overrides.clone(),
        document: held.merged(Whose::Organization),
        locks: layer.locks.clone(),
    };
    HttpResponse::Ok().insert_header((ETAG, held.etag(Whose::Organization))).json(body)
}
