//! The routes of prefs, as its OpenAPI document writes them.

/// GET: all namespaces, merged. DELETE: erases all of the caller's.
pub const PREFERENCES: &str = "/api/v1/prefs";

/// GET, PUT, PATCH, DELETE: one namespace, merged.
pub const DOCUMENT: &str = "/api/v1/prefs/{namespace}";

/// GET: every version of the caller's overrides, newest first.
pub const HISTORY: &str = "/api/v1/prefs/{namespace}/history";

/// POST: puts an earlier version back.
pub const RESTORE: &str = "/api/v1/prefs/{namespace}/restore";

/// GET, PUT, PATCH, DELETE: the organisation's layer.
pub const ORGANIZATION: &str = "/api/v1/prefs/{namespace}/organization";

/// PUT: what members do not override.
pub const LOCKS: &str = "/api/v1/prefs/{namespace}/organization/locks";

/// GET: every version of the organisation's layer, newest first.
pub const ORGANIZATION_HISTORY: &str = "/api/v1/prefs/{namespace}/organization/history";

/// POST: puts an earlier version of the organisation's layer back.
pub const RESTORE_ORGANIZATION: &str = "/api/v1/prefs/{namespace}/organization/restore";

/// GET: all that is held of the caller's preferences in the organisation.
pub const EXPORT: &str = "/api/v1/prefs/export";

/// GET: what changes, as server-sent events.
pub const EVENTS: &str = "/api/v1/prefs/events";

/// GET: the list of namespaces.
pub const NAMESPACES: &str = "/api/v1/admin/prefs/namespaces";

/// GET, PUT: one namespace with its schema and defaults.
pub const NAMESPACE: &str = "/api/v1/admin/prefs/namespaces/{namespace}";

/// GET: every version of one namespace, newest first.
pub const NAMESPACE_VERSIONS: &str = "/api/v1/admin/prefs/namespaces/{namespace}/versions";

/// Every route with its methods.
pub const ALL: [(&str, &[&str]); 13] = [
    (PREFERENCES, &["GET", "DELETE"]),
    (EXPORT, &["GET"]),
    (EVENTS, &["GET"]),
    (DOCUMENT, &["GET", "PUT", "PATCH", "DELETE"]),
    (HISTORY, &["GET"]),
    (RESTORE, &["POST"]),
    (ORGANIZATION, &["GET", "PUT", "PATCH", "DELETE"]),
    (LOCKS, &["PUT"]),
    (ORGANIZATION_HISTORY, &["GET"]),
    (RESTORE_ORGANIZATION, &["POST"]),
    (NAMESPACES, &["GET"]),
    (NAMESPACE, &["GET", "PUT"]),
    (NAMESPACE_VERSIONS, &["GET"]),
];
