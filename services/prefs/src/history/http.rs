use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use contract_prefs::{NamespaceName, OrganizationPreferences, PreferenceHistory, Restore};
use idempotency::{Idempotency, Key, Keyed};
use identity::{Can, Principal};
use problem::HttpError;
use service_kit::{
    db::Db,
    http::{Bodied, Credentialed, NotFound, Queried, Strict},
    page::PageQuery,
};

use super::store;
use crate::{
    document::{Whose, act::Target, http::of_user, rules::Change},
    namespace::{self, NamespaceError, rules},
    organization::http::of_organization,
    permissions::{ReadPreferences, WriteOrganization, WritePreferences},
    precondition::Preconditioned,
};

/// Lists the versions of the caller's overrides, newest first.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "list_preference_versions",
    params(("namespace" = NamespaceName, Path, description = "What it is about"), PageQuery),
    responses(
        (status = 200, description = "A page of versions", body = PreferenceHistory),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs/{namespace}/history")]
pub(crate) async fn list_preference_versions(
    caller: Can<ReadPreferences>,
    name: Path<NamespaceName>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<PreferenceHistory>, HttpError> {
    page(&db, &caller, Whose::User, &name, &query).await
}

/// Lists the versions of the organisation's layer, newest first.
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "list_organization_preference_versions",
    params(("namespace" = NamespaceName, Path, description = "What it is about"), PageQuery),
    responses(
        (status = 200, description = "A page of versions", body = PreferenceHistory),
        Credentialed, Queried, NotFound
    ),
    security(("bearer" = ["prefs:read"]), ("api_key" = ["prefs:read"]))
)]
#[get("/api/v1/prefs/{namespace}/organization/history")]
pub(crate) async fn list_organization_preference_versions(
    caller: Can<ReadPreferences>,
    name: Path<NamespaceName>,
    query: Query<PageQuery>,
    db: Data<Db>,
) -> Result<Json<PreferenceHistory>, HttpError> {
    page(&db, &caller, Whose::Organization, &name, &query).await
}

/// Puts an earlier version of the caller's overrides back, as a new version.
///
/// It is led to the schema of today; what does not fit all the same is left out.
#[utoipa::path(
    tag = "Preferences",
    operation_id = "restore_preference_document",
    params(
        Key,
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body = Restore,
    responses(
        (status = 200, description = "The merged document", body = Object,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned, Keyed
    ),
    security(("bearer" = ["prefs:write"]), ("api_key" = ["prefs:write"]))
)]
#[post("/api/v1/prefs/{namespace}/restore")]
pub(crate) async fn restore_preference_document(
    caller: Can<WritePreferences>,
    target: Target,
    Strict(restore): Strict<Restore>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::User);
    let change = Change::Restore(restore.version);
    once.run(&db, async |conn| Ok(of_user(act.change(conn, &change).await?))).await
}

/// Puts an earlier version of the organisation's layer back, as a new version.
#[utoipa::path(
    tag = "Preferences of an organisation",
    operation_id = "restore_organization_preferences",
    params(
        Key,
        ("namespace" = NamespaceName, Path, description = "What it is about"),
        ("If-Match" = String, Header, description = "The ETag that was read, or `*`"),
    ),
    request_body = Restore,
    responses(
        (status = 200, description = "The layer", body = OrganizationPreferences,
            headers(("ETag" = String, description = "For the next `If-Match`"))),
        Credentialed, Bodied, NotFound, Preconditioned, Keyed
    ),
    security(("bearer" = ["prefs:write", "orgs:write"]), ("api_key" = ["prefs:write", "orgs:write"]))
)]
#[post("/api/v1/prefs/{namespace}/organization/restore")]
pub(crate) async fn restore_organization_preferences(
    _may: Can<WriteOrganization>,
    caller: Can<WritePreferences>,
    target: Target,
    Strict(restore): Strict<Restore>,
    once: Idempotency,
    db: Data<Db>,
) -> Result<HttpResponse, HttpError> {
    let act = target.by(&caller, Whose::Organization);
    let change = Change::Restore(restore.version);
    once.run(&db, async |conn| Ok(of_organization(&act.change(conn, &change).await?.held))).await
}

async fn page(
    db: &Db,
    caller: &Principal,
    whose: Whose,
    name: &NamespaceName,
    query: &PageQuery,
) -> Result<Json<PreferenceHistory>, HttpError> {
    let owner = whose.owner(caller.org, caller.user);
    let list = format!("preference-versions/{owner}/{name}");
    let page = query.page(&list)?;
    let mut conn = db.connection().await?;
    let mut data = store::list(&mut conn, caller.org, owner, name, page).await?;
    if data.is_empty() && namespace::store::find(&mut conn, name).await?.is_none() {
        return Err(NamespaceError::Unknown(name.clone()).into());
    }
    let next_cursor = page.cut(&list, &mut data, |version| rules::place(version.version));
    Ok(Json(PreferenceHistory { data, next_cursor }))
}
