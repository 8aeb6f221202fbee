//! How operations with a key show in OpenAPI documents.

use std::collections::BTreeSet;

use problem::Problem;
use utoipa::{
    IntoResponses,
    openapi::{
        OpenApi, RefOr,
        path::{Operation, Parameter},
    },
};

use crate::key::SHOWN;

/// What an operation that takes a [`Key`](crate::Key) may answer besides: names the
/// problems in `responses(…)` of a `utoipa::path`. It is never a value.
#[derive(Debug, IntoResponses)]
pub enum Keyed {
    /// A request with this `Idempotency-Key` is under way (come back after
    /// `Retry-After`), or was done but its reply is lost; or the state does not allow it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The `Idempotency-Key` was used for another body or query; or `errors` names the
    /// fields to mend.
    #[response(status = 422, content_type = "application/problem+json")]
    Reused(Problem),
}

/// The POSTs of `document` that need a credential but take no [`Key`](crate::Key), by
/// path. A service's test holds them against its list of those that answer with a
/// secret, so that neither a key nor a secret is forgotten.
#[must_use]
pub fn unkeyed_posts(document: &OpenApi) -> BTreeSet<String> {
    let posts = document.paths.paths.iter().filter_map(|(path, item)| Some((path, item.post.as_ref()?)));
    let unkeyed = posts.filter(|(_, post)| post.security.is_some() && !takes_key(post));
    unkeyed.map(|(path, _)| path.clone()).collect()
}

fn takes_key(operation: &Operation) -> bool {
    let is_key =
        |parameter: &RefOr<_>| matches!(parameter, RefOr::T(Parameter { name, .. }) if name == SHOWN);
    operation.parameters.iter().flatten().any(is_key)
}
